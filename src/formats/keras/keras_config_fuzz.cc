// Any text as the configuration of a Keras model without weights: the fuzzer reaches deeper into it when
// lengths around it need not fit. An error or a valid graph, never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "formats/keras/import.h"
#include "formats/keras/stream.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  constexpr const char* kVersions[] = {"1.2.2", "2.9.0", "3.1.0"};
  pochade::keras::Contents contents;
  contents.attributes["@keras_version"] = {kVersions[data[0] % 3]};
  contents.attributes["@model_config"] = {std::string(reinterpret_cast<const char*>(data) + 1, size - 1)};
  // Weights that fit small layers named a to d.
  for (const char* layer : {"a", "b", "c", "d"}) {
    const std::string path = std::string("model_weights/") + layer;
    const int rank = layer[0] - 'a' + 1;
    pochade::Shape shape;
    for (int axis = 0; axis < rank; ++axis) shape.push_back(2);
    contents.attributes[path + "@weight_names"] = {"w", "v"};
    contents.datasets[path + "/w"] = pochade::Tensor::make(pochade::DType::kF32, shape).value();
    contents.datasets[path + "/v"] = pochade::Tensor::make(pochade::DType::kF32, {2}).value();
  }
  const auto graph = pochade::keras::import_contents(contents);
  if (!graph) return graph.error().text().empty() ? std::abort(), 0 : 0;
  if (!graph->verify()) std::abort();
  return 0;
}

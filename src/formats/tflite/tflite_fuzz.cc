// Any bytes as a TFLite model: an error or a valid graph, never a crash. Run with -rss_limit_mb=1024
// -max_len=65536.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "formats/tflite/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = pochade::Bytes::copy_of({reinterpret_cast<const std::byte*>(data), size});
  const auto graph = pochade::import_tflite(file);
  if (!graph) {
    if (graph.error().text().empty()) std::abort();
    return 0;
  }
  if (const auto status = graph->verify(); !status) {
    std::fprintf(stderr, "%s\n", status.error().text().c_str());
    std::abort();
  }
  return graph->dump().empty() ? 1 : 0;
}

// Writes the generated cases of all operators as ONNX or TFLite models, with inputs and results of the
// oracles, for tests/onnx/judge.py and tests/tflite/judge.py.
//
//   export_cases DIR [--tflite] [--opset N] [--only TEXT]
//
// DIR/NAME.onnx (or .tflite), DIR/NAME/VALUE.npy. The last line says how many were written and how many the
// format cannot express.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "formats/export.h"
#include "formats/npy.h"
#include "formats/onnx/case_graph.h"
#include "formats/onnx/export.h"
#include "formats/tflite/export.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

Status write_values(const fs::path& folder, const CaseGraph& built, const Tensors& results) {
  std::error_code error;
  fs::create_directories(folder, error);
  for (size_t i = 0; i < built.inputs.size(); ++i)
    TRY(write_file(folder / (built.graph.value(built.graph.inputs()[i]).name + ".npy"),
                   npy_bytes(built.inputs[i])));
  for (size_t i = 0; i < results.size(); ++i)
    TRY(write_file(folder / (built.graph.outputs()[i].name + ".npy"), npy_bytes(results[i])));
  return {};
}

/// What the case is to be written as, and what its readers compute.
Result<Tensors> write_case(const CaseGraph& built, const fs::path& path, int opset) {
  if (path.extension() == ".onnx") {
    TRY(export_onnx(built.graph, path, {.opset = opset}));
  } else {
    TRY(const std::string bytes, export_tflite_bytes(built.graph));
    TRY(write_file(path, bytes));
  }
  TRY(const std::optional<Graph> rounded, as_computed_by(built.graph, path));
  return rounded ? evaluate(*rounded, built.inputs) : Result<Tensors>(built.results);
}

int run(const fs::path& folder, std::string_view extension, int opset, const std::string& only) {
  int written = 0, refused = 0;
  const Cases cases = all_cases();
  for (const Case& test : cases.list()) {
    if (test.name.find(only) == std::string::npos) continue;
    const auto built = case_graph(test);
    if (!built) continue;  // not a graph that an importer could give
    std::string name = test.name;
    std::replace(name.begin(), name.end(), '/', '.');
    const auto results = write_case(*built, folder / (name + std::string(extension)), opset);
    if (!results) {
      if (results.error().code() != ErrorCode::kNotSupported) {
        std::printf("%s: %s\n", test.name.c_str(), results.error().text().c_str());
        return 1;
      }
      std::printf("refused %s: %s\n", test.name.c_str(), results.error().text().c_str());
      ++refused;
      continue;
    }
    if (const Status status = write_values(folder / name, *built, *results); !status) {
      std::printf("%s\n", status.error().text().c_str());
      return 1;
    }
    ++written;
  }
  std::printf("%d written, %d refused\n", written, refused);
  return 0;
}

}  // namespace
}  // namespace pochade

int main(int argc, char** argv) {
  int opset = pochade::kStandardExportOpset;
  std::string only, folder;
  std::string_view extension = ".onnx";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--opset" && i + 1 < argc)
      opset = std::atoi(argv[++i]);
    else if (argument == "--tflite")
      extension = ".tflite";
    else if (argument == "--only" && i + 1 < argc)
      only = argv[++i];
    else
      folder = argument;
  }
  if (folder.empty()) {
    std::fprintf(stderr, "usage: export_cases DIR [--tflite] [--opset N] [--only TEXT]\n");
    return 2;
  }
  std::filesystem::create_directories(folder);
  return pochade::run(folder, extension, opset, only);
}

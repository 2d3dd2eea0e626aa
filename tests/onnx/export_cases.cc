// Writes the generated cases of all operators as ONNX models, with inputs and results of the oracles, for
// tests/onnx/judge.py.
//
//   export_cases DIR [--opset N] [--only TEXT]
//
// DIR/NAME.onnx, DIR/NAME/VALUE.npy. The last line says how many were written and how many ONNX cannot
// express.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "formats/npy.h"
#include "formats/onnx/case_graph.h"
#include "formats/onnx/export.h"

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

int run(const fs::path& folder, int opset, const std::string& only) {
  int written = 0, refused = 0;
  const Cases cases = all_cases();
  for (const Case& test : cases.list()) {
    if (test.name.find(only) == std::string::npos) continue;
    const auto built = case_graph(test);
    if (!built) continue;  // not a graph that an importer could give
    std::string name = test.name;
    std::replace(name.begin(), name.end(), '/', '.');
    if (const Status status = export_onnx(built->graph, folder / (name + ".onnx"), {.opset = opset});
        !status) {
      if (status.error().code() != ErrorCode::kNotSupported) {
        std::printf("%s: %s\n", test.name.c_str(), status.error().text().c_str());
        return 1;
      }
      std::printf("refused %s: %s\n", test.name.c_str(), status.error().text().c_str());
      ++refused;
      continue;
    }
    if (const Status status = write_values(folder / name, *built, built->results); !status) {
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
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--opset" && i + 1 < argc)
      opset = std::atoi(argv[++i]);
    else if (argument == "--only" && i + 1 < argc)
      only = argv[++i];
    else
      folder = argument;
  }
  if (folder.empty()) {
    std::fprintf(stderr, "usage: export_cases DIR [--opset N] [--only TEXT]\n");
    return 2;
  }
  std::filesystem::create_directories(folder);
  return pochade::run(folder, opset, only);
}

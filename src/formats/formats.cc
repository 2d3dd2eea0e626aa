#include "formats/formats.h"

#include "formats/keras/import.h"
#include "formats/onnx/import.h"
#include "formats/tensorflow/import.h"
#include "formats/tflite/import.h"

namespace pochade {
namespace {

/// ONNX has no magic number: a message that begins with ir_version (field 1, a varint), as every writer puts
/// it.
bool looks_like_onnx(const Bytes& file) {
  return file.size() >= 2 && file.data()[0] == std::byte{0x08};
}

Result<Graph> import_bytes(const Bytes& file, const std::filesystem::path& folder) {
  if (file.size() == 0) return Error::invalid_model("the file is empty");
  if (looks_like_tflite(file)) return import_tflite(file);
  if (looks_like_keras(file)) return import_keras(file);
  if (looks_like_saved_model(file) && !folder.empty()) return import_saved_model(folder);
  if (looks_like_onnx(file)) return import_onnx(file, folder);
  if (looks_like_graphdef(file)) return import_graphdef(file);
  return Error::not_supported(
      "neither an ONNX, a TFLite, a TensorFlow nor a Keras model, and no other kind is known");
}

Result<Graph> import_folder(const std::filesystem::path& path) {
  if (std::filesystem::exists(path / "saved_model.pb")) return import_saved_model(path);
  return Error::not_supported("cannot read {}: the folder holds no saved_model.pb", path);
}

}  // namespace

Result<Graph> import_model(const std::filesystem::path& path) {
  if (path.extension() == ".onnx") return import_onnx(path);
  if (std::filesystem::is_directory(path)) return import_folder(path);
  TRY(const Bytes file, map_file(path));
  if (path != "-" && looks_like_keras(file)) return import_keras(path);
  const std::filesystem::path folder =
      path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return import_bytes(file, path == "-" ? std::filesystem::path() : folder).context("cannot read {}", path);
}

Result<Graph> import_model(const Bytes& file) {
  return import_bytes(file, {}).context("cannot read the model in memory");
}

}  // namespace pochade

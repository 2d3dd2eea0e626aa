#pragma once
// From the file's tensors to ours.

#include <filesystem>
#include <map>
#include <optional>

#include "formats/onnx/records.h"
#include "tensor/tensor.h"

namespace pochade::onnx {

/// Our element type; kNotSupported names the other ones (string, complex64, float8, ...).
Result<DType> element_type(ElementType type);
std::string to_string(ElementType type);

/// Where a model's tensors lie: the file itself and, for external data, other files of its folder.
class TensorFiles {
 public:
  /// `folder` empty: the model came from memory, external data is refused.
  TensorFiles(Bytes model, std::filesystem::path folder)
      : model_(std::move(model)), folder_(std::move(folder)) {}

  /// Shares the file's memory where it can. Errors name the tensor: negative or overflowing dims, more than
  /// kMaxRank of them, data of another size than the dims say, external data that is missing or outside the
  /// model's folder.
  Result<Tensor> tensor(const TensorProto& proto);

 private:
  Result<Tensor> load(const TensorProto& proto);
  Result<Bytes> external(const TensorProto& proto);

  Bytes model_;
  std::filesystem::path folder_;
  std::map<std::string, Bytes, std::less<>> opened_;
};

}  // namespace pochade::onnx

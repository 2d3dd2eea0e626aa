#pragma once
// Writes small TFLite models, right and wrong ones, for tests.

#include <formats/tflite/schema_generated.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/file.h"

namespace pochade::tflite {

using flatbuffers::Offset;
using schema::ActivationFunctionType;
using schema::BuiltinOperator;
using schema::BuiltinOptions;
using schema::TensorType;

struct TensorOptions {
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
  int axis = 0;
  std::vector<int> signature;
  bool is_variable = false;
  Offset<schema::SparsityParameters> sparsity = 0;
};

template <typename T>
std::vector<uint8_t> bytes_of(const std::vector<T>& values) {
  std::vector<uint8_t> out(values.size() * sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}

class ModelBuilder {
 public:
  ModelBuilder() { buffers_.push_back(schema::CreateBuffer(fbb)); }

  /// Index of a new tensor of the current subgraph; with data it is a constant.
  int tensor(const char* name, TensorType type, const std::vector<int>& dims,
             const std::vector<uint8_t>& data = {}, const TensorOptions& options = {}) {
    uint32_t buffer = 0;
    if (!data.empty()) buffer = add_buffer(data);
    return tensor_with_buffer(name, type, dims, buffer, options);
  }
  int tensor_with_buffer(const char* name, TensorType type, const std::vector<int>& dims, uint32_t buffer,
                         const TensorOptions& options = {}) {
    Offset<schema::QuantizationParameters> quantization = 0;
    if (!options.scale.empty())
      quantization = schema::CreateQuantizationParametersDirect(
          fbb, nullptr, nullptr, &options.scale, &options.zero_point, schema::QuantizationDetails::NONE, 0,
          options.axis);
    tensors_.push_back(schema::CreateTensorDirect(fbb, &dims, type, buffer, name, quantization,
                                                  options.is_variable, options.sparsity,
                                                  options.signature.empty() ? nullptr : &options.signature));
    return static_cast<int>(tensors_.size()) - 1;
  }
  uint32_t add_buffer(const std::vector<uint8_t>& data) {
    buffers_.push_back(schema::CreateBufferDirect(fbb, &data));
    return static_cast<uint32_t>(buffers_.size()) - 1;
  }
  /// A buffer whose data is said to lie elsewhere in the file.
  uint32_t add_outer_buffer(uint64_t offset, uint64_t size) {
    buffers_.push_back(schema::CreateBuffer(fbb, 0, offset, size));
    return static_cast<uint32_t>(buffers_.size()) - 1;
  }
  void op(BuiltinOperator code, const std::vector<int>& inputs, const std::vector<int>& outputs,
          BuiltinOptions type = BuiltinOptions::NONE, Offset<void> options = 0) {
    const int number = static_cast<int>(code);
    codes_.push_back(
        schema::CreateOperatorCode(fbb, static_cast<int8_t>(number < 127 ? number : 127), 0, 1, code));
    operators_.push_back(schema::CreateOperatorDirect(fbb, static_cast<uint32_t>(codes_.size()) - 1, &inputs,
                                                      &outputs, type, options));
  }
  void custom_op(const char* name, const std::vector<int>& inputs, const std::vector<int>& outputs,
                 const std::vector<uint8_t>& options = {}) {
    codes_.push_back(schema::CreateOperatorCodeDirect(fbb, 32, name, 1, BuiltinOperator::CUSTOM));
    operators_.push_back(schema::CreateOperatorDirect(fbb, static_cast<uint32_t>(codes_.size()) - 1, &inputs,
                                                      &outputs, BuiltinOptions::NONE, 0, &options));
  }
  /// What was added since belongs to one subgraph; the first one is the model.
  void end_subgraph(const std::vector<int>& inputs, const std::vector<int>& outputs) {
    subgraphs_.push_back(
        schema::CreateSubGraphDirect(fbb, &tensors_, &inputs, &outputs, &operators_, "main"));
    tensors_.clear();
    operators_.clear();
  }
  void signature(const char* key, const char* name, uint32_t input) {
    const std::vector<Offset<schema::TensorMap>> inputs{schema::CreateTensorMapDirect(fbb, name, input)};
    signatures_.push_back(schema::CreateSignatureDefDirect(fbb, &inputs, nullptr, key, 0));
  }
  void metadata(const char* name, const std::vector<uint8_t>& data) {
    metadata_.push_back(schema::CreateMetadataDirect(fbb, name, add_buffer(data)));
  }
  Bytes bytes(uint32_t version = 3) {
    schema::FinishModelBuffer(fbb, schema::CreateModelDirect(fbb, version, &codes_, &subgraphs_, "test",
                                                             &buffers_, nullptr, &metadata_, &signatures_));
    return Bytes::copy_of(
        std::as_bytes(std::span(fbb.GetBufferPointer(), static_cast<size_t>(fbb.GetSize()))));
  }

  flatbuffers::FlatBufferBuilder fbb;

 private:
  std::vector<Offset<schema::Buffer>> buffers_;
  std::vector<Offset<schema::Tensor>> tensors_;
  std::vector<Offset<schema::OperatorCode>> codes_;
  std::vector<Offset<schema::Operator>> operators_;
  std::vector<Offset<schema::SubGraph>> subgraphs_;
  std::vector<Offset<schema::SignatureDef>> signatures_;
  std::vector<Offset<schema::Metadata>> metadata_;
};

}  // namespace pochade::tflite

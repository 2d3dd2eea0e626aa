#include "formats/tflite/export_scope.h"

#include <algorithm>

#include "formats/expand_quantized.h"
#include "ops/quant/integer_lstm.h"
#include "passes/activated.h"
#include "passes/move_axes.h"

namespace pochade::tflite {
namespace {

schema::TensorType tensor_type(DType dtype) {
  using T = schema::TensorType;
  switch (dtype) {
    case DType::kF32:
      return T::FLOAT32;
    case DType::kF64:
      return T::FLOAT64;
    case DType::kF16:
      return T::FLOAT16;
    case DType::kBF16:
      return T::BFLOAT16;
    case DType::kI8:
      return T::INT8;
    case DType::kI16:
      return T::INT16;
    case DType::kI32:
      return T::INT32;
    case DType::kI64:
      return T::INT64;
    case DType::kU8:
      return T::UINT8;
    case DType::kU16:
      return T::UINT16;
    case DType::kU32:
      return T::UINT32;
    case DType::kU64:
      return T::UINT64;
    case DType::kBool:
      return T::BOOL;
  }
  return T::FLOAT32;
}

flatbuffers::Offset<schema::Buffer> data_buffer(flatbuffers::FlatBufferBuilder& flat, const std::byte* data,
                                                size_t size) {
  constexpr size_t kAlignment = 16;  // of the schema
  flat.ForceVectorAlignment(size, 1, kAlignment);
  return schema::CreateBuffer(flat, flat.CreateVector(reinterpret_cast<const uint8_t*>(data), size));
}

}  // namespace

TensorIndex FileBuilder::add_tensor(const std::string& name, const Fact& fact, const Tensor& constant,
                                    const Quantized::Type& type, bool is_variable) {
  if (buffers_.empty()) buffers_.push_back(schema::CreateBuffer(flat_));  // buffer 0 is empty
  uint32_t buffer = 0;
  if (constant.defined()) {
    buffer = static_cast<uint32_t>(buffers_.size());
    buffers_.push_back(data_buffer(flat_, constant.bytes(), constant.byte_size()));
  }
  std::vector<int32_t> shape, signature;
  bool open = false;
  for (const Dim& dim : fact.dims.value_or(Dims{})) {
    shape.push_back(dim.is_number() ? static_cast<int32_t>(dim.number()) : 1);
    signature.push_back(dim.is_number() ? shape.back() : -1);
    open |= !dim.is_number();
  }
  flatbuffers::Offset<schema::QuantizationParameters> quantization = 0;
  if (type.quantization) {
    const Quantization& q = *type.quantization;
    std::vector<int64_t> zeros(q.zero_point.begin(), q.zero_point.end());
    zeros.resize(q.scale.size(), 0);
    const auto scale_offset = flat_.CreateVector(q.scale);
    const auto zero_offset = flat_.CreateVector(zeros);
    quantization = schema::CreateQuantizationParameters(
        flat_, 0, 0, scale_offset, zero_offset, schema::QuantizationDetails::NONE, 0, std::max(q.axis, 0));
  }
  const auto shape_offset = flat_.CreateVector(shape);
  const auto signature_offset = open ? flat_.CreateVector(signature) : 0;
  const auto name_offset = flat_.CreateString(name);
  schema::TensorBuilder builder(flat_);
  builder.add_shape(shape_offset);
  builder.add_type(tensor_type(*fact.dtype));
  builder.add_buffer(buffer);
  builder.add_name(name_offset);
  if (!quantization.IsNull()) builder.add_quantization(quantization);
  if (open) builder.add_shape_signature(signature_offset);
  builder.add_has_rank(fact.rank_known());
  builder.add_is_variable(is_variable);
  auto& tensors = subgraphs_.back().tensors;
  tensors.push_back(builder.Finish());
  return static_cast<TensorIndex>(tensors.size()) - 1;
}

TensorIndex FileBuilder::add_resource(const std::string& name) {
  if (buffers_.empty()) buffers_.push_back(schema::CreateBuffer(flat_));
  const auto shape = flat_.CreateVector(std::vector<int32_t>());
  auto& tensors = subgraphs_.back().tensors;
  tensors.push_back(
      schema::CreateTensor(flat_, shape, schema::TensorType::RESOURCE, 0, flat_.CreateString(name)));
  return static_cast<TensorIndex>(tensors.size()) - 1;
}

void FileBuilder::begin_subgraph(std::string name) {
  subgraphs_.emplace_back();
  subgraphs_.back().name = std::move(name);
}

void FileBuilder::add_operator(BuiltinOperator code, int version, const std::vector<TensorIndex>& inputs,
                               const std::vector<TensorIndex>& outputs, Options options,
                               const std::vector<TensorIndex>& intermediates) {
  const auto [found, is_new] = codes_.try_emplace({code, version}, static_cast<uint32_t>(code_list_.size()));
  if (is_new) code_list_.emplace_back(code, version);
  const auto input_offset = flat_.CreateVector(inputs);
  const auto output_offset = flat_.CreateVector(outputs);
  const auto between_offset = intermediates.empty() ? 0 : flat_.CreateVector(intermediates);
  schema::OperatorBuilder builder(flat_);
  builder.add_opcode_index(found->second);
  builder.add_inputs(input_offset);
  builder.add_outputs(output_offset);
  builder.add_builtin_options_type(options.type);
  builder.add_builtin_options(options.offset);
  if (!between_offset.IsNull()) builder.add_intermediates(between_offset);
  subgraphs_.back().operators.push_back(builder.Finish());
}

void FileBuilder::finish(const std::vector<TensorIndex>& inputs, const std::vector<TensorIndex>& outputs,
                         const std::vector<std::string>& input_names,
                         const std::vector<std::string>& output_names, const std::string& graph_name,
                         const std::string& description) {
  if (buffers_.empty()) buffers_.push_back(schema::CreateBuffer(flat_));
  std::vector<flatbuffers::Offset<schema::OperatorCode>> codes;
  for (const auto& [code, version] : code_list_) {
    constexpr int kMostDeprecated = 127;
    const auto old = static_cast<int8_t>(std::min(static_cast<int>(code), kMostDeprecated));
    codes.push_back(schema::CreateOperatorCode(flat_, old, 0, version, code));
  }
  const auto maps = [&](const std::vector<std::string>& names, const std::vector<TensorIndex>& indices) {
    std::vector<flatbuffers::Offset<schema::TensorMap>> out;
    for (size_t i = 0; i < names.size(); ++i)
      out.push_back(
          schema::CreateTensorMap(flat_, flat_.CreateString(names[i]), static_cast<uint32_t>(indices[i])));
    return flat_.CreateVector(out);
  };
  const auto input_maps = maps(input_names, inputs), output_maps = maps(output_names, outputs);
  const auto signature =
      schema::CreateSignatureDef(flat_, input_maps, output_maps, flat_.CreateString("serving_default"), 0);
  const std::string runtime = std::string("2.16.0").append(10, '\0');  // 16 bytes, as readers expect
  const auto runtime_buffer = static_cast<uint32_t>(buffers_.size());
  buffers_.push_back(data_buffer(flat_, reinterpret_cast<const std::byte*>(runtime.data()), runtime.size()));
  const auto metadata =
      schema::CreateMetadata(flat_, flat_.CreateString("min_runtime_version"), runtime_buffer);
  std::vector<flatbuffers::Offset<schema::SubGraph>> parts;
  for (size_t i = 0; i < subgraphs_.size(); ++i) {
    const Subgraph& part = subgraphs_[i];
    const bool is_main = i == 0;
    const auto tensors = flat_.CreateVector(part.tensors);
    const auto part_inputs = flat_.CreateVector(is_main ? inputs : std::vector<TensorIndex>()),
               part_outputs = flat_.CreateVector(is_main ? outputs : std::vector<TensorIndex>());
    const auto operators = flat_.CreateVector(part.operators);
    const std::string& name = !is_main ? part.name : graph_name.empty() ? "main" : graph_name;
    parts.push_back(schema::CreateSubGraph(flat_, tensors, part_inputs, part_outputs, operators,
                                           flat_.CreateString(name)));
  }
  const auto code_vector = flat_.CreateVector(codes);
  const auto subgraphs = flat_.CreateVector(parts);
  const auto text = flat_.CreateString(description);
  const auto buffers = flat_.CreateVector(buffers_);
  const auto metadata_vector = flat_.CreateVector(&metadata, 1);
  const auto signatures = flat_.CreateVector(&signature, 1);
  constexpr uint32_t kSchemaVersion = 3;
  schema::ModelBuilder model(flat_);
  model.add_version(kSchemaVersion);
  model.add_operator_codes(code_vector);
  model.add_subgraphs(subgraphs);
  model.add_description(text);
  model.add_buffers(buffers);
  model.add_metadata(metadata_vector);
  model.add_signature_defs(signatures);
  schema::FinishModelBuffer(flat_, model.Finish());
}

ExportScope::ExportScope(ExportContext& context, const Node& node)
    : context_(context),
      node_(node),
      quantized_(op_as<Quantized>(*node.op)),
      hybrid_(op_as<HybridLayer>(*node.op)),
      op_(quantized_ != nullptr ? *quantized_->op
          : hybrid_ != nullptr  ? *hybrid_->op
                                : *node.op) {}

Quantized::Type ExportScope::input_type(size_t i) const {
  if (!has_input(i)) return {};
  const Fact x = fact(i);
  if (hybrid_ != nullptr && i == 1) return hybrid_->weights;
  if (const auto* lstm = op_as<IntegerLstm>(op_); lstm != nullptr && i == 0)
    return quantized_type(DType::kI8, lstm->scales[0], static_cast<int32_t>(lstm->x_zero));
  if (const auto* svdf = op_as<IntegerSvdf>(op_); svdf != nullptr && i == 0)
    return quantized_type(DType::kI8, svdf->x_scale, static_cast<int32_t>(svdf->x_zero));
  if (quantized_ == nullptr || i >= quantized_->in.size())
    return x.quantization ? Quantized::Type{x.dtype, x.quantization} : Quantized::Type{};
  Quantized::Type type = quantized_->in[i];
  // A bias has the scale of the products, whether said or not.
  const bool is_bias = i == 2 && type.dtype && !type.quantization && quantized_->in[0].quantization &&
                       quantized_->in[1].quantization;
  if (!is_bias) return type;
  type.quantization = std::make_shared<const Quantization>(
      product_quantization(*quantized_->in[0].quantization, *quantized_->in[1].quantization));
  return type;
}

Quantized::Type ExportScope::output_type(size_t i) const {
  const Fact& y = output_fact(i);
  if (quantized_ != nullptr && i < quantized_->out.size()) return quantized_->out[i];
  return y.quantization ? Quantized::Type{y.dtype, y.quantization} : Quantized::Type{};
}

TensorIndex ExportContext::tensor_of(ValueId value, const Quantized::Type& type) {
  const auto found = tensors.find(value);
  if (found != tensors.end()) return found->second;
  const Value& v = graph.value(value);
  const Tensor constant = v.producer == kNone ? v.fact.constant : Tensor();
  const TensorIndex made = file.add_tensor(v.name, v.fact, constant, type);
  tensors.emplace(value, made);
  return made;
}

TensorIndex ExportScope::input(size_t i) {
  return has_input(i) ? context_.tensor_of(node_.inputs[i], input_type(i)) : kLeftOut;
}

TensorIndex ExportScope::output(size_t i) {
  return context_.tensor_of(node_.outputs.at(i), output_type(i));
}

std::vector<TensorIndex> ExportScope::inputs() {
  std::vector<TensorIndex> out;
  for (size_t i = 0; i < node_.inputs.size(); ++i) out.push_back(input(i));
  return out;
}

TensorIndex ExportScope::constant(const Tensor& tensor, const Quantized::Type& type) {
  return context_.file.add_tensor(name() + "/constant", Fact(tensor.dtype(), tensor.shape()), tensor, type);
}

Result<int> ExportScope::axis_of(int64_t axis) const {
  if (!fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const auto normal = normal_axis(axis, fact(0).rank());
  if (!normal) return Error::invalid_model("axis {} does not exist", axis);
  return *normal;
}

Status ExportScope::expect_picture() const {
  if (fact(0).rank_known() && fact(0).rank() == 4) return {};
  return Error::not_supported("its input is {}, TFLite has this operator for N,H,W,C only", fact(0));
}

Status ExportScope::expect_products() const {
  if (!is_quantized()) return {};
  const auto x = input_type(0).dtype, w = input_type(1).dtype;
  if (!x || !w || *x == *w || (*x == DType::kI16 && *w == DType::kI8)) return {};
  return Error::not_supported("TFLite does not multiply {} by weights of {}; quantize both to int8",
                              to_string(*x), to_string(*w));
}

Result<TensorIndex> ExportScope::turned(size_t i, const Permutation& order) {
  TRY(const Tensor tensor, transposed(fact(i).constant, order));
  Quantized::Type type = input_type(i);
  if (type.quantization && type.quantization->axis >= 0) {
    Quantization turned = *type.quantization;
    turned.axis = static_cast<int>(std::find(order.begin(), order.end(), turned.axis) - order.begin());
    type.quantization = std::make_shared<const Quantization>(std::move(turned));
  }
  return constant(tensor, type);
}

TensorIndex ExportScope::int32s(const std::vector<int64_t>& values) {
  const Tensor wide = Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
  return constant(wide.cast(DType::kI32).value());
}

Result<TensorIndex> ExportScope::number(double value) {
  TRY(const Tensor tensor, Tensor::scalar<double>(value).cast(*fact(0).dtype));
  return constant(tensor);
}

TensorIndex ExportScope::between(std::optional<Dims> dims, bool like_output) {
  const Quantized::Type type = like_output ? output_type() : input_type(0);
  const DType dtype = like_output ? *output_fact().dtype : *fact(0).dtype;
  return context_.file.add_tensor(name() + "/inner", Fact(dtype, std::move(dims)), Tensor(), type);
}

Result<schema::ActivationFunctionType> ExportScope::activation() {
  using A = schema::ActivationFunctionType;
  activation_read_ = true;
  Activation act;
  if (quantized_ != nullptr)
    act = quantized_->act;
  else if (hybrid_ != nullptr)
    act = hybrid_->act;
  else if (const auto own = activation_of(op_))
    act = *own;
  if (is_none(act)) return A::NONE;
  if (act.kind == ActivationKind::kRelu) return A::RELU;
  if (act.kind == ActivationKind::kClip && act.a == 0 && act.b == 6) return A::RELU6;
  if (act.kind == ActivationKind::kClip && act.a == -1 && act.b == 1) return A::RELU_N1_TO_1;
  return Error::not_supported("TFLite has no activation {} inside an operator", to_string(act.kind));
}

int ExportScope::type_version() const {
  const DType dtype = fact(0).dtype.value_or(DType::kF32);
  return dtype == DType::kI8 ? 2 : dtype == DType::kI16 ? 3 : 1;
}

const ExportRow* find_export_row(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const ExportRow*> map;
    for (const auto rows : {elementwise_export_rows(), index_export_rows(), layer_export_rows(),
                            recurrent_export_rows(), shape_export_rows(), window_export_rows()})
      for (const ExportRow& row : rows) CHECK(map.emplace(row.name, &row).second);
    return map;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

}  // namespace pochade::tflite

#include "formats/onnx/scope.h"

#include <algorithm>
#include <array>

#include "ops/shape/transpose.h"

namespace pochade::onnx {
namespace {

/// Results of constant inputs up to this size become known when a node is added: enough for shape arithmetic.
constexpr int64_t kKnownLimitBytes = 4096;
/// Constants up to this size are permuted at once.
constexpr size_t kPermuteLimitBytes = 4096;

}  // namespace

NodeScope::NodeScope(Graph& graph, TensorFiles& files, const NodeProto& proto, int opset,
                     std::string_view prefix, std::vector<ValueId> inputs,
                     std::vector<AttributeProto> attributes)
    : graph_(graph),
      files_(files),
      proto_(proto),
      opset_(opset),
      inputs_(std::move(inputs)),
      attributes_(std::move(attributes)) {
  while (!inputs_.empty() && inputs_.back() == kNone) inputs_.pop_back();
  inputs_read_.resize(inputs_.size(), false);
  results_.resize(proto.outputs.size(), kNone);
  std::string_view own = proto.name;
  for (const std::string_view output : proto.outputs)
    if (own.empty()) own = output;
  name_ = std::string(prefix) + std::string(own);
}

ValueId NodeScope::input(size_t i) {
  if (i >= inputs_.size()) return kNone;
  inputs_read_[i] = true;
  return inputs_[i];
}

Result<ValueId> NodeScope::required_input(size_t i) {
  const ValueId value = input(i);
  if (value == kNone) return Error::invalid_model("input {} is missing", i);
  return value;
}

std::vector<ValueId> NodeScope::inputs(size_t first) {
  std::vector<ValueId> out;
  for (size_t i = first; i < inputs_.size(); ++i) out.push_back(input(i));
  return out;
}

Fact NodeScope::fact(size_t i) {
  const ValueId value = input(i);
  return value == kNone ? Fact() : graph_.fact(value);
}

Result<int> NodeScope::rank(size_t i) {
  TRY(const ValueId value, required_input(i));
  if (!graph_.fact(value).rank_known()) return Error::not_supported("the rank of input {} is not known", i);
  return graph_.fact(value).rank();
}

Result<Tensor> NodeScope::constant_tensor(size_t i, std::string_view what) {
  TRY(const ValueId value, required_input(i));
  const Fact& fact = graph_.fact(value);
  if (!fact.is_constant())
    return Error::not_supported("input {} ({}) is computed while running, only constants are supported", i,
                                what);
  return fact.constant;
}

Result<std::vector<int64_t>> NodeScope::constant_integers(size_t i, std::string_view what) {
  TRY(const Tensor tensor, constant_tensor(i, what));
  if (is_float(tensor.dtype()))
    return Error::invalid_model("input {} ({}) is {}, expected integers", i, what, tensor.dtype());
  return to_int64s(tensor);
}

Result<std::vector<float>> NodeScope::constant_numbers(size_t i, std::string_view what) {
  TRY(const Tensor tensor, constant_tensor(i, what));
  return to_floats(tensor);
}

// --- Attributes
// -------------------------------------------------------------------------------------------------

bool NodeScope::has(std::string_view name) const {
  return std::any_of(attributes_.begin(), attributes_.end(),
                     [&](const AttributeProto& a) { return a.name == name; });
}

const AttributeProto* NodeScope::read(std::string_view name) {
  for (const AttributeProto& attribute : attributes_) {
    if (attribute.name != name) continue;
    attributes_read_.insert(attribute.name);
    return &attribute;
  }
  return nullptr;
}

Result<const AttributeProto*> NodeScope::read(std::string_view name, AttributeType type) {
  const AttributeProto* attribute = read(name);
  if (attribute == nullptr || attribute->type == type) return attribute;
  // An empty list may come without its type.
  if (attribute->type == AttributeType::kNone &&
      (type == AttributeType::kIntegers || type == AttributeType::kNumbers || type == AttributeType::kTexts))
    return attribute;
  if (attribute->type == AttributeType::kGraph)
    return Error::not_supported("attribute \"{}\" is a graph", name);
  return Error::invalid_model("attribute \"{}\" is {}, expected {}", name, to_string(attribute->type),
                              to_string(type));
}

void NodeScope::ignore(std::string_view name) {
  read(name);
}

Result<int64_t> NodeScope::integer(std::string_view name, int64_t otherwise) {
  TRY(const AttributeProto* attribute, read(name, AttributeType::kInteger));
  return attribute != nullptr ? attribute->integer : otherwise;
}

Result<int64_t> NodeScope::integer(std::string_view name) {
  if (!has(name)) return Error::invalid_model("attribute \"{}\" is missing", name);
  return integer(name, 0);
}

Result<bool> NodeScope::flag(std::string_view name, bool otherwise) {
  TRY(const int64_t value, integer(name, otherwise ? 1 : 0));
  if (value != 0 && value != 1)
    return Error::invalid_model("attribute \"{}\" is {}, expected 0 or 1", name, value);
  return value == 1;
}

Result<float> NodeScope::number(std::string_view name, float otherwise) {
  TRY(const AttributeProto* attribute, read(name, AttributeType::kNumber));
  return attribute != nullptr ? attribute->number : otherwise;
}

Result<float> NodeScope::number(std::string_view name) {
  if (!has(name)) return Error::invalid_model("attribute \"{}\" is missing", name);
  return number(name, 0);
}

Result<std::string> NodeScope::text(std::string_view name, std::string_view otherwise) {
  TRY(const AttributeProto* attribute, read(name, AttributeType::kText));
  return std::string(attribute != nullptr ? attribute->text : otherwise);
}

Result<std::string> NodeScope::text(std::string_view name) {
  if (!has(name)) return Error::invalid_model("attribute \"{}\" is missing", name);
  return text(name, "");
}

Result<std::vector<int64_t>> NodeScope::integers(std::string_view name, std::vector<int64_t> otherwise) {
  TRY(const AttributeProto* attribute, read(name, AttributeType::kIntegers));
  return attribute != nullptr ? attribute->integers : std::move(otherwise);
}

Result<std::vector<float>> NodeScope::numbers(std::string_view name, std::vector<float> otherwise) {
  TRY(const AttributeProto* attribute, read(name, AttributeType::kNumbers));
  return attribute != nullptr ? attribute->numbers : std::move(otherwise);
}

Result<std::vector<std::string>> NodeScope::texts(std::string_view name, std::vector<std::string> otherwise) {
  TRY(const AttributeProto* attribute, read(name, AttributeType::kTexts));
  if (attribute == nullptr) return otherwise;
  return std::vector<std::string>(attribute->texts.begin(), attribute->texts.end());
}

Result<Tensor> NodeScope::tensor(std::string_view name) {
  TRY(const AttributeProto* attribute, read(name, AttributeType::kTensor));
  if (attribute == nullptr) return Error::invalid_model("attribute \"{}\" is missing", name);
  TRY(const TensorProto proto, parse_tensor(attribute->message).context("attribute \"{}\"", name));
  return files_.tensor(proto).context("attribute \"{}\"", name);
}

Result<DType> NodeScope::dtype(std::string_view name) {
  TRY(const int64_t type, integer(name));
  return element_type(static_cast<ElementType>(type)).context("attribute \"{}\"", name);
}

Result<DType> NodeScope::dtype(std::string_view name, DType otherwise) {
  if (!has(name)) return otherwise;
  return dtype(name);
}

// --- Options that moved from attributes to inputs
// -----------------------------------------------------------------

Result<std::optional<std::vector<int64_t>>> NodeScope::option_integers(std::string_view attribute,
                                                                       size_t input) {
  std::optional<std::vector<int64_t>> out;
  if (has_input(input)) {
    if (has(attribute)) return Error::invalid_model("\"{}\" is both an attribute and an input", attribute);
    TRY(out, constant_integers(input, attribute));
  } else if (has(attribute)) {
    TRY(out, integers(attribute));
  }
  return out;
}

Result<std::optional<std::vector<float>>> NodeScope::option_numbers(std::string_view attribute,
                                                                    size_t input) {
  std::optional<std::vector<float>> out;
  if (has_input(input)) {
    if (has(attribute)) return Error::invalid_model("\"{}\" is both an attribute and an input", attribute);
    TRY(out, constant_numbers(input, attribute));
  } else if (has(attribute)) {
    TRY(out, numbers(attribute));
  }
  return out;
}

Result<std::optional<int64_t>> NodeScope::option_integer(std::string_view attribute, size_t input) {
  std::optional<int64_t> out;
  if (has_input(input)) {
    if (has(attribute)) return Error::invalid_model("\"{}\" is both an attribute and an input", attribute);
    TRY(const std::vector<int64_t> values, constant_integers(input, attribute));
    if (values.size() != 1)
      return Error::invalid_model("input {} ({}) has {} values, expected 1", input, attribute, values.size());
    out = values[0];
  } else if (has(attribute)) {
    TRY(out, integer(attribute));
  }
  return out;
}

Result<std::optional<float>> NodeScope::option_number(std::string_view attribute, size_t input) {
  std::optional<float> out;
  if (has_input(input)) {
    if (has(attribute)) return Error::invalid_model("\"{}\" is both an attribute and an input", attribute);
    TRY(const std::vector<float> values, constant_numbers(input, attribute));
    if (values.size() != 1)
      return Error::invalid_model("input {} ({}) has {} values, expected 1", input, attribute, values.size());
    out = values[0];
  } else if (has(attribute)) {
    TRY(out, number(attribute));
  }
  return out;
}

Result<ValueId> NodeScope::option_value(std::string_view attribute, size_t input,
                                        std::optional<DType> dtype) {
  if (has_input(input)) {
    if (has(attribute)) return Error::invalid_model("\"{}\" is both an attribute and an input", attribute);
    return this->input(input);
  }
  const AttributeProto* proto = read(attribute);
  if (proto == nullptr) return kNone;
  Tensor tensor;
  switch (proto->type) {
    case AttributeType::kInteger:
      tensor = Tensor::scalar<int64_t>(proto->integer);
      break;
    case AttributeType::kNumber:
      tensor = Tensor::scalar<float>(proto->number);
      break;
    case AttributeType::kNone:
    case AttributeType::kIntegers:
      tensor = Tensor::of<int64_t>({static_cast<int64_t>(proto->integers.size())}, proto->integers);
      break;
    case AttributeType::kNumbers:
      tensor = Tensor::of<float>({static_cast<int64_t>(proto->numbers.size())}, proto->numbers);
      break;
    default:
      return Error::invalid_model("attribute \"{}\" is {}, expected numbers", attribute,
                                  to_string(proto->type));
  }
  if (dtype) {
    TRY(tensor, tensor.cast(*dtype));
  }
  return constant(std::move(tensor));
}

// --- Building
// -----------------------------------------------------------------------------------------------------

Result<std::vector<ValueId>> NodeScope::add_all(OpPtr op, std::vector<ValueId> inputs) {
  while (!inputs.empty() && inputs.back() == kNone) inputs.pop_back();
  std::string name = added_ == 0 ? name_ : format("{}/{}", name_, added_);
  ++added_;
  return graph_.add_node(std::move(name), std::move(op), std::move(inputs), kKnownLimitBytes);
}

Result<ValueId> NodeScope::add(OpPtr op, std::vector<ValueId> inputs) {
  TRY(const std::vector<ValueId> outputs, add_all(std::move(op), std::move(inputs)));
  return outputs.at(0);
}

ValueId NodeScope::constant(Tensor tensor) {
  return graph_.add_constant(format("{}/constant", name_), std::move(tensor));
}

Result<ValueId> NodeScope::transpose(ValueId value, std::vector<int64_t> perm) {
  if (value == kNone || std::is_sorted(perm.begin(), perm.end())) return value;
  const Fact& fact = graph_.fact(value);
  const OpPtr op = make_op<Transpose>([&](Transpose& transpose) { transpose.perm = perm; });
  if (fact.is_constant() && graph_.value(value).producer == kNone &&
      fact.constant.byte_size() <= kPermuteLimitBytes) {
    const Tensor tensor = fact.constant;
    TRY(op->infer(std::array{Fact(tensor)}));
    TRY(Tensors permuted, op->eval(std::array{tensor}));
    return graph_.add_constant(graph_.value(value).name, permuted.at(0));
  }
  return graph_.add_node(format("{}/transpose{}", name_, added_++), op, {value}, kKnownLimitBytes)
      .map([](const auto& outputs) { return outputs.at(0); });
}

Result<ValueId> NodeScope::to_channels_last(ValueId value) {
  if (value == kNone) return value;
  const Fact& fact = graph_.fact(value);
  if (!fact.rank_known())
    return Error::not_supported("the rank of \"{}\" is not known", graph_.value(value).name);
  const int rank = fact.rank();
  if (rank <= 2) return value;
  std::vector<int64_t> perm{0};
  for (int axis = 2; axis < rank; ++axis) perm.push_back(axis);
  perm.push_back(1);
  return transpose(value, std::move(perm));
}

Result<ValueId> NodeScope::to_channels_first(ValueId value) {
  if (value == kNone) return value;
  const Fact& fact = graph_.fact(value);
  if (!fact.rank_known())
    return Error::not_supported("the rank of \"{}\" is not known", graph_.value(value).name);
  const int rank = fact.rank();
  if (rank <= 2) return value;
  std::vector<int64_t> perm{0, rank - 1};
  for (int axis = 1; axis < rank - 1; ++axis) perm.push_back(axis);
  return transpose(value, std::move(perm));
}

// --- Outputs
// ------------------------------------------------------------------------------------------------------

Status NodeScope::set_output(size_t i, ValueId value) {
  if (!wants_output(i)) return {};
  if (value == kNone) return Error::not_supported("output {} is not computed", i);
  results_[i] = value;
  return {};
}

Status NodeScope::set_output_channels_first(size_t i, ValueId value) {
  if (!wants_output(i)) return {};
  TRY(const ValueId moved, to_channels_first(value));
  return set_output(i, moved);
}

Status NodeScope::emit(OpPtr op, std::vector<ValueId> inputs) {
  TRY(const std::vector<ValueId> outputs, add_all(std::move(op), std::move(inputs)));
  for (size_t i = 0; i < outputs.size(); ++i) TRY(set_output(i, outputs[i]));
  return {};
}

Status NodeScope::finish() const {
  for (const AttributeProto& attribute : attributes_)
    if (!attributes_read_.contains(attribute.name))
      return Error::not_supported("attribute \"{}\" is not known for this operator in opset {}",
                                  attribute.name, opset_);
  for (size_t i = 0; i < inputs_.size(); ++i)
    if (inputs_[i] != kNone && !inputs_read_[i])
      return Error::not_supported("input {} is not known for this operator in opset {}", i, opset_);
  for (size_t i = 0; i < results_.size(); ++i)
    if (wants_output(i) && results_[i] == kNone) return Error::not_supported("output {} is not computed", i);
  return {};
}

}  // namespace pochade::onnx

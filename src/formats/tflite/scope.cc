#include "formats/tflite/scope.h"

#include <algorithm>
#include <array>

#include "ops/elementwise/activations.h"
#include "ops/elementwise/select.h"
#include "ops/index/gather.h"
#include "ops/shape/concat.h"
#include "ops/shape/generate.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"

namespace pochade::tflite {
namespace {

/// Results of constant inputs up to this size become known when a node is added: enough for shape arithmetic.
constexpr int64_t kKnownLimitBytes = 4096;

}  // namespace

NodeScope::NodeScope(const ModelRecord& model, ImportState& state, Frame& frame, const OperatorRecord& record)
    : model_(model), state_(state), frame_(frame), record_(record) {
  inputs_read_.resize(record.inputs.size(), false);
  outputs_set_.resize(record.outputs.size(), false);
  if (!record.outputs.empty()) name_ = std::string(output_record(0).name);
  if (name_.empty()) name_ = std::string(record.name);
}

// --- Inputs

Result<ValueId> NodeScope::input(size_t i) {
  if (i < inputs_read_.size()) inputs_read_[i] = true;
  if (!has_input(i)) return kNone;
  const auto tensor = static_cast<size_t>(record_.inputs[i]);
  ValueId& value = frame_.values[tensor];
  if (value != kNone) return value;
  const TensorRecord& record = frame_.record.tensors[tensor];
  if (record.is_variable) return state(i);
  const bool is_empty = std::find(record.dims.begin(), record.dims.end(), 0) != record.dims.end();
  if (!record.has_data && record.outside.empty() && !is_empty)
    return Error::invalid_model("input {} is tensor \"{}\", which has no data and is not computed before", i,
                                record.name);
  TRY(Tensor constant, tflite::constant_tensor(model_, record, state_.decode_budget)
                           .context("input {} \"{}\"", i, record.name));
  TRY(Quantized::Type type, quantized_type(record).context("input {} \"{}\"", i, record.name));
  value = state_.graph.add_constant(std::string(record.name), std::move(constant));
  if (type.dtype) set_type(value, std::move(type));
  return value;
}

Result<ValueId> NodeScope::required(size_t i) {
  if (!has_input(i)) return Error::invalid_model("input {} is missing", i);
  return input(i);
}

Result<std::vector<ValueId>> NodeScope::inputs(size_t first) {
  std::vector<ValueId> out;
  for (size_t i = first; i < input_count(); ++i) {
    TRY(const ValueId value, input(i));
    out.push_back(value);
  }
  return out;
}

Result<int> NodeScope::rank(size_t i) {
  TRY(const ValueId value, required(i));
  if (!fact(value).rank_known()) return Error::not_supported("the rank of input {} is not known", i);
  return fact(value).rank();
}

Result<DType> NodeScope::dtype(size_t i) {
  TRY(const ValueId value, required(i));
  return *fact(value).dtype;
}

Result<Tensor> NodeScope::constant_tensor(size_t i, std::string_view what) {
  TRY(const ValueId value, required(i));
  if (!fact(value).is_constant())
    return Error::not_supported("input {} ({}) is computed while running, only constants are supported", i,
                                what);
  return fact(value).constant;
}

Result<std::vector<int64_t>> NodeScope::constant_integers(size_t i, std::string_view what) {
  TRY(const Tensor tensor, constant_tensor(i, what));
  if (!is_integer(tensor.dtype()))
    return Error::invalid_model("input {} ({}) is {}, expected integers", i, what, tensor.dtype());
  if (tensor.elements() > 65536)
    return Error::invalid_model("input {} ({}) has {} values, far more than it can need", i, what,
                                tensor.elements());
  return to_int64s(tensor);
}

Result<int64_t> NodeScope::constant_integer(size_t i, std::string_view what) {
  TRY(const std::vector<int64_t> values, constant_integers(i, what));
  if (values.size() != 1)
    return Error::invalid_model("input {} ({}) has {} values, expected 1", i, what, values.size());
  return values[0];
}

// --- Options

bool NodeScope::has(std::string_view option) const {
  return std::any_of(record_.options.begin(), record_.options.end(),
                     [&](const Option& o) { return o.name == option; });
}

const Option* NodeScope::read(std::string_view option) {
  for (const Option& o : record_.options) {
    if (o.name != option) continue;
    options_read_.insert(o.name);
    return &o;
  }
  return nullptr;
}

Result<const Option*> NodeScope::read(std::string_view option, Option::Kind kind) {
  const Option* found = read(option);
  if (found == nullptr || found->kind == kind) return found;
  return Error::invalid_model("option \"{}\" is {}, expected {}", option, to_string(found->kind),
                              to_string(kind));
}

void NodeScope::ignore(std::string_view option) {
  read(option);
}

Result<int64_t> NodeScope::integer(std::string_view option, int64_t otherwise) {
  TRY(const Option* found, read(option, Option::Kind::kInteger));
  return found != nullptr ? found->integer : otherwise;
}

Result<bool> NodeScope::flag(std::string_view option, bool otherwise) {
  TRY(const int64_t value, integer(option, otherwise ? 1 : 0));
  return value != 0;
}

Result<float> NodeScope::number(std::string_view option, float otherwise) {
  TRY(const Option* found, read(option, Option::Kind::kNumber));
  return found != nullptr ? static_cast<float>(found->number) : otherwise;
}

Result<std::string> NodeScope::text(std::string_view option) {
  TRY(const Option* found, read(option, Option::Kind::kText));
  return std::string(found != nullptr ? found->text : std::string_view());
}

Result<std::vector<int64_t>> NodeScope::integers(std::string_view option) {
  TRY(const Option* found, read(option, Option::Kind::kIntegers));
  return found != nullptr ? found->integers : std::vector<int64_t>();
}

Result<std::vector<float>> NodeScope::numbers(std::string_view option) {
  TRY(const Option* found, read(option, Option::Kind::kNumbers));
  return found != nullptr ? found->numbers : std::vector<float>();
}

Result<Activation> NodeScope::activation() {
  TRY(const int64_t function, integer("fused_activation_function", 0));
  switch (function) {  // ActivationFunctionType
    case 0:
      return Activation{};
    case 1:
      return Activation{ActivationKind::kRelu, 0, 0};
    case 2:
      return Activation{ActivationKind::kClip, -1, 1};
    case 3:
      return Activation{ActivationKind::kClip, 0, 6};
    case 4:
      return Activation{ActivationKind::kTanh, 0, 0};
    case 5:
      return Error::not_supported("fused_activation_function SIGN_BIT is not supported");
    default:
      return Error::invalid_model("fused_activation_function is {}, which means nothing", function);
  }
}

Result<DType> NodeScope::dtype_option(std::string_view option, ElementType otherwise) {
  TRY(const int64_t type, integer(option, static_cast<int64_t>(otherwise)));
  return element_type(static_cast<ElementType>(type)).context("option \"{}\"", option);
}

// --- Values that are quantized

Quantized::Type NodeScope::type(ValueId value) const {
  if (value == kNone) return {};
  if (const auto found = state_.types.find(value); found != state_.types.end()) return found->second;
  const Fact& known = fact(value);
  if (known.quantization == nullptr) return {};
  return {known.dtype, known.quantization};
}

Result<Quantized::Type> NodeScope::output_type(size_t i) const {
  return quantized_type(output_record(i)).context("output {} \"{}\"", i, output_record(i).name);
}

Result<Quantized::Type> NodeScope::intermediate_type(size_t i) const {
  if (i >= record_.intermediates.size() || record_.intermediates[i] < 0)
    return Error::invalid_model("intermediate tensor {} is missing, whose scale is needed", i);
  const TensorRecord& record = frame_.record.tensors[static_cast<size_t>(record_.intermediates[i])];
  return quantized_type(record).context("intermediate {} \"{}\"", i, record.name);
}

Result<ValueId> NodeScope::dequantized(ValueId value) {
  if (!is_quantized(value)) return value;
  return add_as({}, Identity{}, {value});
}

// --- Building

Result<std::vector<ValueId>> NodeScope::add_all(OpPtr op, std::vector<ValueId> inputs) {
  while (!inputs.empty() && inputs.back() == kNone) inputs.pop_back();
  return state_.graph.add_node(next_name(), std::move(op), std::move(inputs), kKnownLimitBytes);
}

Result<ValueId> NodeScope::add(OpPtr op, std::vector<ValueId> inputs) {
  TRY(const std::vector<ValueId> outputs, add_all(std::move(op), std::move(inputs)));
  return outputs.at(0);
}

Result<ValueId> NodeScope::add_activation(ValueId value, const Activation& act) {
  switch (act.kind) {
    case ActivationKind::kNone:
      return value;
    case ActivationKind::kRelu:
      return add(Relu{}, {value});
    case ActivationKind::kTanh:
      return add(Tanh{}, {value});
    case ActivationKind::kClip: {
      TRY(const ValueId low, scalar_of(*fact(value).dtype, static_cast<double>(act.a)));
      TRY(const ValueId high, scalar_of(*fact(value).dtype, static_cast<double>(act.b)));
      return add(Clip{}, {value, low, high});
    }
    default:
      return Error::not_supported("the activation {} is not one of TFLite's", to_string(act.kind));
  }
}

Result<ValueId> NodeScope::add_as(Quantized::Type out, OpPtr op, std::vector<ValueId> inputs,
                                  Activation act) {
  while (!inputs.empty() && inputs.back() == kNone) inputs.pop_back();
  const bool on_integers =
      out.dtype || std::any_of(inputs.begin(), inputs.end(), [&](ValueId v) { return is_quantized(v); });
  if (!on_integers) {
    TRY(const ValueId value, add(std::move(op), std::move(inputs)));
    return add_activation(value, act);
  }
  Quantized wrapped;
  wrapped.op = std::move(op);
  for (const ValueId value : inputs) wrapped.in.push_back(type(value));
  wrapped.out.push_back(std::move(out));
  wrapped.act = act;
  return add(std::move(wrapped), std::move(inputs));
}

ValueId NodeScope::constant(Tensor tensor) {
  return state_.graph.add_constant(format("{}/constant", name_), std::move(tensor));
}

Result<ValueId> NodeScope::scalar_of(DType dtype, double value) {
  TRY(Tensor tensor, Tensor::scalar<double>(value).cast(dtype));
  return constant(std::move(tensor));
}

Result<ValueId> NodeScope::cast(ValueId value, DType to) {
  if (fact(value).dtype == to) return value;
  Cast op;
  op.to = to;
  return add(op, {value});
}

Result<ValueId> NodeScope::to_int64(ValueId value) {
  return cast(value, DType::kI64);
}

Result<ValueId> NodeScope::transpose(ValueId value, std::vector<int64_t> perm) {
  if (std::is_sorted(perm.begin(), perm.end())) return value;
  Quantized::Type from = type(value);
  Transpose op;
  op.perm = perm;
  if (!from.dtype) return add(std::move(op), {value});
  if (from.quantization != nullptr && from.quantization->axis >= 0) {
    Quantization moved = *from.quantization;
    const auto place = std::find(perm.begin(), perm.end(), moved.axis);
    if (place == perm.end()) return Error::invalid_model("its quantization does not fit its rank");
    moved.axis = static_cast<int>(place - perm.begin());
    from.quantization = std::make_shared<const Quantization>(std::move(moved));
  }
  if (!fact(value).is_constant()) return add_as(std::move(from), std::move(op), {value});
  TRY(const ValueId turned, add(std::move(op), {value}));
  set_type(turned, std::move(from));
  return turned;
}

Result<ValueId> NodeScope::reshape(ValueId value, ValueId shape) {
  Reshape op;
  op.allow_zero = true;
  return add_as(type(value), op, {value, shape});
}

Result<ValueId> NodeScope::unsqueeze(ValueId value, const std::vector<int64_t>& axes) {
  return add_as(type(value), Unsqueeze{}, {value, integers_value(axes)});
}

Result<ValueId> NodeScope::squeeze(ValueId value, const std::vector<int64_t>& axes) {
  return add_as(type(value), Squeeze{}, {value, integers_value(axes)});
}

Result<ValueId> NodeScope::slice(ValueId value, int64_t axis, int64_t begin, int64_t end) {
  return add_as(type(value), Slice{},
                {value, integers_value({begin}), integers_value({end}), integers_value({axis})});
}

Result<ValueId> NodeScope::concat(std::vector<ValueId> values, int64_t axis) {
  if (values.size() == 1) return values[0];
  Concat op;
  op.axis = axis;
  const Quantized::Type out = type(values.at(0));
  return add_as(out, op, std::move(values));
}

Result<ValueId> NodeScope::sizes(ValueId value) {
  return add(ShapeOp{}, {value});
}

Result<ValueId> NodeScope::size(ValueId value, int64_t axis) {
  ShapeOp op;
  op.start = axis;
  op.end = axis + 1;
  return add(op, {value});
}

// --- Outputs

Status NodeScope::set_output(size_t i, ValueId value) {
  if (i >= record_.outputs.size()) return {};
  const auto tensor = static_cast<size_t>(record_.outputs[i]);
  if (frame_.values[tensor] != kNone)
    return Error::invalid_model("output {} (\"{}\") is computed already", i, output_record(i).name);
  frame_.values[tensor] = value;
  outputs_set_[i] = true;
  return {};
}

Status NodeScope::emit(OpPtr op, std::vector<ValueId> inputs, Activation act) {
  if (output_count() <= 1) {
    TRY(Quantized::Type out,
        output_count() == 0 ? Result<Quantized::Type>(Quantized::Type()) : output_type(0));
    TRY(const ValueId value, add_as(std::move(out), std::move(op), std::move(inputs), act));
    return set_output(0, value);
  }
  bool on_integers = std::any_of(inputs.begin(), inputs.end(), [&](ValueId v) { return is_quantized(v); });
  Quantized wrapped;
  for (size_t i = 0; i < output_count(); ++i) {
    TRY(Quantized::Type out, output_type(i));
    on_integers |= out.dtype.has_value();
    wrapped.out.push_back(std::move(out));
  }
  if (on_integers) {
    wrapped.op = std::move(op);
    for (const ValueId value : inputs) wrapped.in.push_back(type(value));
    wrapped.act = act;
    op = make_op(std::move(wrapped));
  } else if (!is_none(act)) {
    return Error::not_supported("an activation of several outputs is not supported");
  }
  TRY(const std::vector<ValueId> values, add_all(std::move(op), std::move(inputs)));
  for (size_t i = 0; i < values.size(); ++i) TRY(set_output(i, values[i]));
  return {};
}

Status NodeScope::finish() const {
  for (const Option& option : record_.options)
    if (!options_read_.contains(option.name))
      return Error::not_supported("option \"{}\" is not known for this operator", option.name);
  for (size_t i = 0; i < record_.inputs.size(); ++i)
    if (record_.inputs[i] >= 0 && !inputs_read_[i])
      return Error::not_supported("input {} is not known for this operator", i);
  for (size_t i = 0; i < record_.outputs.size(); ++i) {
    const TensorRecord& record = output_record(i);
    if (!outputs_set_[i]) return Error::not_supported("output {} is not computed", i);
    const ValueId value = frame_.values[static_cast<size_t>(record_.outputs[i])];
    if (value == kNone) continue;  // a resource
    TRY(const DType declared, element_type(record.type).context("output {}", i));
    if (fact(value).dtype != declared)
      return Error::invalid_model("output {} is declared {}, but the operator gives {}", i,
                                  pochade::to_string(declared), pochade::to_string(*fact(value).dtype));
  }
  return {};
}

}  // namespace pochade::tflite

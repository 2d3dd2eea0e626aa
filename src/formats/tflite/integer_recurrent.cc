#include "formats/tflite/integer_recurrent.h"

#include "ops/quant/integer_lstm.h"

namespace pochade::tflite {
namespace {

/// The type of an integer value that has one scale, and a zero point only if it may.
Result<Quantized::Type> whole_type(NodeScope& node, ValueId value, std::string_view what, DType dtype,
                                   bool may_have_zero) {
  const Quantized::Type type = node.type(value);
  if (type.dtype != dtype || !type.quantization || type.quantization->axis >= 0 ||
      (!may_have_zero && type.zero_point() != 0))
    return Error::not_supported("{} is {}, expected {} with one scale{}", what, node.fact(value),
                                pochade::to_string(dtype), may_have_zero ? "" : " and no zero point");
  return type;
}

/// What TFLite needs an output to be: as the state that it shows.
Status expect_output(NodeScope& node, const Quantized::Type& state) {
  TRY(const Quantized::Type y, node.output_type(0));
  if (y == state) return {};
  return Error::not_supported("its output is not quantized as its state is");
}

/// Scales of all inputs but the biases, by number.
Status read_scales(NodeScope& node, const std::vector<ValueId>& in, IntegerLstm& op) {
  op.scales.assign(IntegerLstm::kInputs, 0);
  for (size_t i = 0; i < in.size(); ++i) {
    const bool is_bias = (i >= 12 && i <= 15) || i == 17;
    if (in[i] == kNone || is_bias) continue;
    const bool wide = (i >= 9 && i <= 11) || i >= 19, moves = i == 0 || i == 18;
    TRY(const Quantized::Type type,
        whole_type(node, in[i], format("input {}", i), wide ? DType::kI16 : DType::kI8, moves));
    op.scales[i] = type.scale();
  }
  return {};
}

}  // namespace

Result<ValueId> add_integer_lstm(NodeScope& node, ValueId x, const LstmOptions& options) {
  if (options.act.kind != ActivationKind::kTanh)
    return Error::not_supported("its activation is not TANH, which is all that integers have");
  if (node.intermediate_count() != 5)
    return Error::not_supported(
        "it has {} intermediate tensors: integers are supported with a 16-bit cell and 5 of them only",
        node.intermediate_count());
  std::vector<ValueId> in{x};
  for (size_t i = 1; i < IntegerLstm::kInputs; ++i) {
    TRY(const ValueId value, i == 18 || i == 19 ? node.state(i) : node.input(i));
    in.push_back(value);
  }
  IntegerLstm op;
  TRY(read_scales(node, in, op));
  op.x_zero = node.type(x).zero_point();
  op.h_zero = node.type(in[18]).zero_point();
  TRY(expect_output(node, node.type(in[18])));
  op.gate_scales.assign(4, 1.0f / 4096);
  for (size_t gate = 0; gate < 4; ++gate) {
    if (in[20 + gate] == kNone) continue;
    TRY(const Quantized::Type type, node.intermediate_type(gate));
    if (!type.quantization) return Error::invalid_model("intermediate tensor {} has no scale", gate);
    op.gate_scales[gate] = type.scale();
  }
  TRY(const Quantized::Type hidden, node.intermediate_type(4));
  if (!hidden.quantization) return Error::invalid_model("intermediate tensor 4 has no scale");
  op.hidden_scale = hidden.scale();
  op.hidden_zero = hidden.zero_point();
  op.cell_clip = options.cell_clip;
  op.projection_clip = options.projection_clip;
  op.time_major = options.time_major;
  TRY(const std::vector<ValueId> out, node.add_all(make_op(std::move(op)), std::move(in)));
  TRY(node.set_state(18, out[1]));
  TRY(node.set_state(19, out[2]));
  return out[0];
}

Status integer_svdf(NodeScope& node, ValueId x, int64_t rank, const Activation& act) {
  if (act.kind != ActivationKind::kRelu)
    return Error::not_supported("its activation is not RELU, which is all that integers have");
  IntegerSvdf op;
  op.rank = rank;
  std::vector<ValueId> in{x};
  for (size_t i = 1; i < 4; ++i) {
    TRY(const ValueId value, node.input(i));
    in.push_back(value);
  }
  TRY(const ValueId state, node.state(4));
  in.push_back(state);
  const auto scale_of = [&](size_t i, std::string_view what, DType dtype) -> Result<float> {
    if (in[i] == kNone) return Error::invalid_model("input {} ({}) is missing", i, what);
    TRY(const Quantized::Type type, whole_type(node, in[i], what, dtype, i == 0));
    return type.scale();
  };
  TRY(op.x_scale, scale_of(0, "x", DType::kI8));
  TRY(op.features_scale, scale_of(1, "the features' weight", DType::kI8));
  TRY(op.time_scale, scale_of(2, "the time's weight", DType::kI16));
  TRY(op.state_scale, scale_of(4, "the state", DType::kI16));
  TRY(const Quantized::Type y, node.output_type(0));
  if (y.dtype != DType::kI8 || !y.quantization || y.quantization->axis >= 0)
    return Error::not_supported("its output is not int8 with one scale");
  op.y_scale = y.scale();
  op.x_zero = node.type(x).zero_point();
  op.y_zero = y.zero_point();
  TRY(const std::vector<ValueId> out, node.add_all(make_op(std::move(op)), std::move(in)));
  TRY(node.set_state(4, out[1]));
  return node.set_output(0, out[0]);
}

}  // namespace pochade::tflite

// Recurrent operators.

#include <algorithm>

#include "formats/tflite/export_scope.h"
#include "ops/quant/integer_lstm.h"
#include "ops/recurrent/cells.h"

namespace pochade::tflite {
namespace {

/// Rows of one gate of a matrix or a bias: 1, gates * H, ...
Tensor gate_of(const Tensor& all, int64_t gate, int64_t hidden) {
  const std::vector<float> values = to_floats(all);
  const int64_t width = all.shape().rank() > 2 ? all.shape()[2] : 1;
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(gate * hidden * width);
  const std::vector<float> rows(begin, begin + static_cast<std::ptrdiff_t>(hidden * width));
  return Tensor::of<float>(width == 1 && all.shape().rank() < 3 ? Shape{hidden} : Shape{hidden, width}, rows);
}

/// Bias of a gate: what is added to the products with the input and with the state.
Tensor bias_of(const Tensor& all, int64_t gate, int64_t hidden) {
  const std::vector<float> values = to_floats(all);
  std::vector<float> sums;
  for (int64_t i = 0; i < hidden; ++i)
    sums.push_back(values[static_cast<size_t>(gate * hidden + i)] +
                   values[static_cast<size_t>((4 + gate) * hidden + i)]);
  return Tensor::of<float>({hidden}, sums);
}

Result<schema::ActivationFunctionType> lstm_activation(const Lstm& op) {
  const auto has = [&](GateFunction gate, GateFunction shown) {
    Recurrence wanted = op.recurrence;
    set_functions(wanted, {gate, shown, shown});
    return wanted.functions == op.recurrence.functions && wanted.alpha == op.recurrence.alpha &&
           wanted.beta == op.recurrence.beta;
  };
  if (has(GateFunction::kSigmoid, GateFunction::kTanh)) return schema::ActivationFunctionType::TANH;
  if (has(GateFunction::kSigmoid, GateFunction::kRelu)) return schema::ActivationFunctionType::RELU;
  return Error::not_supported("TFLite has sigmoid gates with tanh or relu only");
}

/// UNIDIRECTIONAL_SEQUENCE_LSTM, whose states live between runs.
Status lstm(ExportScope& node) {
  const auto& op = node.as<Lstm>();
  const Recurrence& r = op.recurrence;
  const auto states = node.kept_states();
  if (!states)
    return Error::not_supported(
        "TFLite's LSTM keeps its state from one run to the next, this one begins anew or with a given state; "
        "the nearest way is a network of fixed length whose steps are written out before the conversion");
  if (r.direction != Direction::kForward || op.input_forget || r.clip != 0 || node.has_input(4))
    return Error::not_supported("TFLite has no reverse, coupled, clipped or masked LSTM in this form");
  for (const size_t i : {1, 2, 3, 7})
    if (node.has_input(i) && !node.fact(i).is_constant())
      return Error::not_supported("its weights are computed");
  TRY(const auto act, lstm_activation(op));
  const int64_t hidden = r.hidden_size;
  std::vector<TensorIndex> inputs(24, kLeftOut);
  inputs[0] = node.input(0);
  constexpr int64_t kOurs[] = {0, 2, 3, 1};  // TFLite's order: input, forget, cell, output
  for (size_t gate = 0; gate < 4; ++gate) {
    inputs[1 + gate] = node.constant(gate_of(node.fact(1).constant, kOurs[gate], hidden));
    inputs[5 + gate] = node.constant(gate_of(node.fact(2).constant, kOurs[gate], hidden));
    const Tensor zeros = Tensor::of<float>({hidden}, std::vector<float>(static_cast<size_t>(hidden), 0));
    inputs[12 + gate] =
        node.constant(node.has_input(3) ? bias_of(node.fact(3).constant, kOurs[gate], hidden) : zeros);
  }
  if (node.has_input(7)) {
    constexpr int64_t kPeepholes[] = {0, 2, 1};  // input, forget, output of ours: input, output, forget
    for (size_t gate = 0; gate < 3; ++gate)
      inputs[9 + gate] = node.constant(gate_of(node.fact(7).constant, kPeepholes[gate], hidden));
  }
  inputs[18] = node.variable(states->first);
  inputs[19] = node.variable(states->second);
  Dims dims = *node.output_fact().dims;
  dims.erase(dims.begin() + (r.batch_first ? 2 : 1));
  const TensorIndex y = node.between(dims, true);
  node.write(
      BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_LSTM, 1, inputs, {y},
      node.options(OptionsType::UnidirectionalSequenceLSTMOptions,
                   schema::CreateUnidirectionalSequenceLSTMOptions(node.flat(), act, 0, 0, !r.batch_first)));
  const TensorIndex axis = node.constant(Tensor::scalar<int32_t>(r.batch_first ? 2 : 1));
  node.write(BuiltinOperator::EXPAND_DIMS, 1, {y, axis}, {node.output()});
  return {};
}

Status expect_kept_states(const ExportScope& node) {
  if (node.kept_states()) return {};
  return Error::not_supported(
      "TFLite's operator keeps its state from one run to the next, beginning with zeros; this one's state is "
      "given, seen by others, or begins with other numbers");
}

/// A constant input with one scale (0: with none). Absent ones stay so.
Result<TensorIndex> scaled_constant(ExportScope& node, size_t i, float scale) {
  if (!node.has_input(i)) return kLeftOut;
  const Fact fact = node.fact(i);
  if (!fact.is_constant()) return Error::not_supported("its weights are computed");
  return node.constant(fact.constant, scale > 0 ? quantized_type(*fact.dtype, scale, 0) : Quantized::Type());
}

/// UNIDIRECTIONAL_SEQUENCE_LSTM of integers: what lies between its parts is said by five tensors without
/// values.
Status integer_lstm(ExportScope& node) {
  const auto& op = node.as<IntegerLstm>();
  TRY(expect_kept_states(node));
  std::vector<TensorIndex> inputs(IntegerLstm::kInputs, kLeftOut);
  inputs[0] = node.input(0);
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (i == 18 || i == 19) continue;
    TRY(inputs[i], scaled_constant(node, i, op.scales[i]));
  }
  const auto [h, c] = *node.kept_states();
  inputs[18] = node.variable(h, quantized_type(DType::kI8, op.scales[18], static_cast<int32_t>(op.h_zero)));
  inputs[19] = node.variable(c, quantized_type(DType::kI16, op.scales[19], 0));
  std::vector<TensorIndex> between;
  for (const float scale : op.gate_scales)
    between.push_back(node.type_between(quantized_type(DType::kI16, scale, 0)));
  between.push_back(
      node.type_between(quantized_type(DType::kI8, op.hidden_scale, static_cast<int32_t>(op.hidden_zero))));
  const auto options = schema::CreateUnidirectionalSequenceLSTMOptions(
      node.flat(), schema::ActivationFunctionType::TANH, op.cell_clip, op.projection_clip, op.time_major);
  node.write(BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_LSTM, 1, inputs, {node.output()},
             node.options(OptionsType::UnidirectionalSequenceLSTMOptions, options), between);
  return {};
}

/// RELU stands for the bounds of int8, which are all that TFLite computes.
Status integer_svdf(ExportScope& node) {
  const auto& op = node.as<IntegerSvdf>();
  TRY(expect_kept_states(node));
  TRY(const TensorIndex features, scaled_constant(node, 1, op.features_scale));
  TRY(const TensorIndex time, scaled_constant(node, 2, op.time_scale));
  TRY(const TensorIndex bias, scaled_constant(node, 3, 0));
  const TensorIndex state =
      node.variable(node.kept_states()->first, quantized_type(DType::kI16, op.state_scale, 0));
  const auto options = schema::CreateSVDFOptions(node.flat(), static_cast<int32_t>(op.rank),
                                                 schema::ActivationFunctionType::RELU);
  node.write(BuiltinOperator::SVDF, 3, {node.input(0), features, time, bias, state}, {node.output()},
             node.options(OptionsType::SVDFOptions, options));
  return {};
}

constexpr ExportRow kExportRecurrentRows[] = {
    {"IntegerLSTM", integer_lstm},
    {"IntegerSVDF", integer_svdf},
    {"LSTM", lstm},
};

}  // namespace

std::span<const ExportRow> recurrent_export_rows() {
  return kExportRecurrentRows;
}

}  // namespace pochade::tflite

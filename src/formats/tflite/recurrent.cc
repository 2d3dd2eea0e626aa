// Recurrent operators. Their states are variable tensors of the file, which live between runs.

#include "formats/tflite/integer_recurrent.h"
#include "formats/tflite/lstm.h"
#include "formats/tflite/rows.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/matrix/gemm.h"
#include "ops/recurrent/cells.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/concat.h"

namespace pochade::tflite {
namespace {

Status refuse_integers(NodeScope& node, ValueId x) {
  if (node.is_quantized(x))
    return Error::not_supported(
        "it computes on integers, only floats are supported (weights may be integers)");
  return {};
}

/// A weight that may be left out, in floats.
Result<ValueId> weight(NodeScope& node, size_t i) {
  TRY(const ValueId value, node.input(i));
  return value == kNone ? Result<ValueId>(kNone) : node.dequantized(value);
}

/// The weights of one direction; `first` is the input-to-input weight, and the projection is 15 behind it.
Result<LstmWeights> read_weights(NodeScope& node, size_t first) {
  LstmWeights out;
  for (size_t gate = 0; gate < 4; ++gate) {
    TRY(out.w[gate], weight(node, first + gate));
    TRY(out.r[gate], weight(node, first + 4 + gate));
    TRY(out.b[gate], weight(node, first + 11 + gate));
    if (gate < 3) {
      TRY(out.p[gate], weight(node, first + 8 + gate));
    }
  }
  TRY(out.projection, weight(node, first + 15));
  TRY(out.projection_bias, weight(node, first + 16));
  for (size_t gate = 1; gate < 4; ++gate)
    if (out.w[gate] == kNone || out.r[gate] == kNone || out.b[gate] == kNone)
      return Error::invalid_model("a weight or a bias of the gates is missing");
  if ((out.w[0] == kNone) != (out.r[0] == kNone))
    return Error::invalid_model("one of the two weights of the input gate is missing");
  return out;
}

Result<LstmOptions> read_options(NodeScope& node) {
  LstmOptions out;
  TRY(out.act, node.activation());
  TRY(out.cell_clip, node.number("cell_clip", 0));
  TRY(out.projection_clip, node.number("proj_clip", 0));
  node.ignore("asymmetric_quantize_inputs");  // of dynamic range quantization, which is computed in floats
  return out;
}

/// One direction of an LSTM: reads its states from two inputs, and writes them back.
Result<ValueId> run_lstm(NodeScope& node, ValueId x, const LstmWeights& weights, LstmOptions options,
                         size_t first_state) {
  TRY(const ValueId h, node.state(first_state));
  TRY(const ValueId c, node.state(first_state + 1));
  TRY(const LstmResult result, add_lstm(node, x, weights, options, h, c));
  TRY(node.set_state(first_state, result.h));
  TRY(node.set_state(first_state + 1, result.c));
  return result.y;
}

Status unidirectional_sequence_lstm(NodeScope& node) {
  TRY(LstmOptions options, read_options(node));
  TRY(options.time_major, node.flag("time_major", false));
  TRY(const bool diagonal, node.flag("diagonal_recurrent_tensors", false));
  if (diagonal) return Error::not_supported("diagonal_recurrent_tensors are not supported");
  TRY(const ValueId x, node.required(0));
  if (node.is_quantized(x)) {
    TRY(const ValueId y, add_integer_lstm(node, x, options));
    return node.set_output(0, y);
  }
  TRY(LstmWeights weights, read_weights(node, 1));
  for (size_t gate = 0; gate < 4; ++gate) {
    TRY(weights.norm[gate], weight(node, 20 + gate));
  }
  TRY(const ValueId y, run_lstm(node, x, weights, options, 18));
  return node.set_output(0, y);
}

/// One step. The small form has one matrix for all gates, and its states as inputs and outputs.
Status basic_lstm(NodeScope& node) {
  if (node.input_count() != 5)
    return Error::invalid_model("it has {} inputs, expected 5", node.input_count());
  TRY(const ValueId x, node.required(0));
  TRY(refuse_integers(node, x));
  TRY(const ValueId h, node.required(1));
  TRY(const ValueId w, node.required(2));
  TRY(const ValueId b, node.required(3));
  TRY(const ValueId c, node.required(4));
  const auto size = node.fact(w).shape();
  if (!size || size->rank() != 2 || (*size)[0] % 4 != 0)
    return Error::invalid_model("the weights are {}", node.fact(w));
  const int64_t hidden = (*size)[0] / 4;
  TRY(const ValueId joined, node.concat({x, h}, 1));
  Gemm gemm;
  gemm.transpose_b = true;
  TRY(const ValueId gates, node.add(gemm, {joined, w, b}));
  std::array<ValueId, 4> gate{};  // input, new, forget, output
  for (size_t k = 0; k < 4; ++k) {
    const auto at = static_cast<int64_t>(k) * hidden;
    TRY(gate[k], node.slice(gates, 1, at, at + hidden));
    TRY(gate[k], k == 1 ? node.add(Tanh{}, {gate[k]}) : node.add(Sigmoid{}, {gate[k]}));
  }
  TRY(const ValueId added, node.add(Mul{}, {gate[0], gate[1]}));
  TRY(const ValueId kept, node.add(Mul{}, {gate[2], c}));
  TRY(const ValueId cell, node.add(Add{}, {added, kept}));
  TRY(const ValueId shown, node.add(Tanh{}, {cell}));
  TRY(const ValueId y, node.add(Mul{}, {gate[3], shown}));
  TRY(node.set_output(0, y));
  TRY(node.set_output(1, cell));
  TRY(node.set_output(2, joined));  // what the kernel keeps while it works
  return node.set_output(3, gates);
}

Status lstm(NodeScope& node) {
  TRY(const int64_t kernel, node.integer("kernel_type", 0));
  TRY(LstmOptions options, read_options(node));
  if (kernel == 1) return basic_lstm(node);
  TRY(const ValueId x, node.required(0));
  // One step of N,I is a sequence of one.
  TRY(const ValueId sequence, node.unsqueeze(x, {0}));
  options.time_major = true;
  if (node.is_quantized(x)) {
    TRY(const ValueId steps, add_integer_lstm(node, sequence, options));
    TRY(const ValueId y, node.squeeze(steps, {0}));
    return node.set_output(0, y);
  }
  TRY(LstmWeights weights, read_weights(node, 1));
  for (size_t gate = 0; gate < 4; ++gate) {
    TRY(weights.norm[gate], weight(node, 20 + gate));
  }
  TRY(const ValueId steps, run_lstm(node, sequence, weights, options, 18));
  TRY(const ValueId y, node.squeeze(steps, {0}));
  return node.set_output(0, y);
}

Status join_directions(NodeScope& node, bool merge, ValueId forward, ValueId backward) {
  if (!merge) {
    TRY(node.set_output(0, forward));
    return node.set_output(1, backward);
  }
  TRY(const ValueId y, node.concat({forward, backward}, 2));
  return node.set_output(0, y);
}

Status bidirectional_sequence_lstm(NodeScope& node) {
  TRY(LstmOptions options, read_options(node));
  TRY(options.time_major, node.flag("time_major", true));
  TRY(const bool merge, node.flag("merge_outputs", false));
  TRY(const ValueId x, node.required(0));
  TRY(refuse_integers(node, x));
  for (size_t i = 39; i < node.input_count(); ++i)
    if (node.has_input(i)) return Error::not_supported("an auxiliary input is not supported");
  std::array<ValueId, 2> y{};
  for (size_t direction = 0; direction < 2; ++direction) {
    TRY(const LstmWeights weights, read_weights(node, 1 + 17 * direction));
    options.reverse = direction == 1;
    TRY(y[direction], run_lstm(node, x, weights, options, 35 + 2 * direction));
  }
  return join_directions(node, merge, y[0], y[1]);
}

/// h = act(W x + R h + b), one direction; `first` is W, then come R, b and the state.
Result<ValueId> run_rnn(NodeScope& node, ValueId x, size_t first, bool time_major, bool reverse,
                        const Activation& act) {
  TRY(ValueId w, weight(node, first));
  TRY(ValueId r, weight(node, first + 1));
  TRY(const ValueId b, weight(node, first + 2));
  TRY(const ValueId h, node.state(first + 3));
  const auto size = w == kNone ? std::nullopt : node.fact(w).shape();
  if (r == kNone || b == kNone || !size || size->rank() != 2)
    return Error::invalid_model("a weight or the bias is missing, or of another rank than 2");
  if ((*size)[0] > kMostHidden) return Error::not_supported("it has {} hidden values", (*size)[0]);
  if (act.kind != ActivationKind::kTanh && act.kind != ActivationKind::kRelu)
    return Error::not_supported("its activation is not supported, only TANH and RELU are");
  Rnn op;
  op.recurrence.hidden_size = (*size)[0];
  op.recurrence.batch_first = !time_major;
  op.recurrence.direction = reverse ? Direction::kReverse : Direction::kForward;
  set_functions(op.recurrence,
                {act.kind == ActivationKind::kTanh ? GateFunction::kTanh : GateFunction::kRelu});
  TRY(w, node.unsqueeze(w, {0}));
  TRY(r, node.unsqueeze(r, {0}));
  const ValueId zeros =
      node.constant(Tensor::of<float>({(*size)[0]}, std::vector<float>(static_cast<size_t>((*size)[0]), 0)));
  TRY(const ValueId joined, node.concat({b, zeros}, 0));
  TRY(const ValueId bias, node.unsqueeze(joined, {0}));
  const int64_t direction_axis = time_major ? 0 : 1;
  TRY(const ValueId before, node.unsqueeze(h, {direction_axis}));
  TRY(const std::vector<ValueId> out, node.add_all(make_op(std::move(op)), {x, w, r, bias, kNone, before}));
  TRY(const ValueId next, node.squeeze(out[1], {direction_axis}));
  TRY(node.set_state(first + 3, next));
  return node.squeeze(out[0], {time_major ? 1 : 2});
}

Status rnn(NodeScope& node) {
  TRY(const Activation act, node.activation());
  node.ignore("asymmetric_quantize_inputs");
  TRY(const ValueId x, node.required(0));
  TRY(refuse_integers(node, x));
  TRY(const ValueId sequence, node.unsqueeze(x, {0}));
  TRY(const ValueId steps, run_rnn(node, sequence, 1, true, false, act));
  TRY(const ValueId y, node.squeeze(steps, {0}));
  return node.set_output(0, y);
}

Status unidirectional_sequence_rnn(NodeScope& node) {
  TRY(const Activation act, node.activation());
  TRY(const bool time_major, node.flag("time_major", false));
  node.ignore("asymmetric_quantize_inputs");
  TRY(const ValueId x, node.required(0));
  TRY(refuse_integers(node, x));
  TRY(const ValueId y, run_rnn(node, x, 1, time_major, false, act));
  return node.set_output(0, y);
}

Status bidirectional_sequence_rnn(NodeScope& node) {
  TRY(const Activation act, node.activation());
  TRY(const bool time_major, node.flag("time_major", false));
  TRY(const bool merge, node.flag("merge_outputs", false));
  node.ignore("asymmetric_quantize_inputs");
  TRY(const ValueId x, node.required(0));
  TRY(refuse_integers(node, x));
  for (size_t i = 9; i < node.input_count(); ++i)
    if (node.has_input(i)) return Error::not_supported("an auxiliary input is not supported");
  TRY(const ValueId forward, run_rnn(node, x, 1, time_major, false, act));
  TRY(const ValueId backward, run_rnn(node, x, 5, time_major, true, act));
  return join_directions(node, merge, forward, backward);
}

/// Low-rank filters over time (Nakkiran et al. 2015): each of F features keeps its last M values.
///   x: N,I   features: F,I   time: F,M   bias: U = F / rank   state: N,F*M
Status svdf(NodeScope& node) {
  TRY(const Activation act, node.activation());
  TRY(const int64_t rank, node.integer("rank", 0));
  node.ignore("asymmetric_quantize_inputs");
  TRY(const ValueId x, node.required(0));
  if (node.is_quantized(x)) return integer_svdf(node, x, rank, act);
  TRY(const ValueId features, weight(node, 1));
  TRY(const ValueId time, weight(node, 2));
  TRY(const ValueId bias, weight(node, 3));
  TRY(const ValueId state, node.state(4));
  const auto size = time == kNone ? std::nullopt : node.fact(time).shape();
  const auto state_size = node.fact(state).shape();
  if (features == kNone || !size || size->rank() != 2 || rank < 1 || (*size)[0] % rank != 0 ||
      state_size->rank() != 2 || (*size)[1] < 1)
    return Error::invalid_model("the time filters are {}, the state is {}, the rank {}",
                                time == kNone ? Fact() : node.fact(time), *state_size, rank);
  const int64_t count = (*size)[0], memory = (*size)[1], batch = (*state_size)[0];
  Gemm gemm;
  gemm.transpose_b = true;
  TRY(const ValueId newest, node.add(gemm, {x, features}));
  TRY(const ValueId column, node.unsqueeze(newest, {2}));
  TRY(const ValueId kept, node.reshape_to(state, {batch, count, memory}));
  TRY(const ValueId older, node.slice(kept, 2, 1, INT64_MAX));
  TRY(const ValueId moved, node.concat({older, column}, 2));
  TRY(const ValueId flat, node.reshape_to(moved, {batch, count * memory}));
  TRY(node.set_state(4, flat));
  TRY(const ValueId weighted, node.add(Mul{}, {moved, time}));
  // The filters of one unit stand together: its sum is over them and over time.
  TRY(const ValueId units, node.reshape_to(weighted, {batch, count / rank, rank * memory}));
  ReduceSum sum;
  sum.keep_dims = false;
  TRY(ValueId y, node.add(sum, {units, node.integers_value({2})}));
  if (bias != kNone) {
    TRY(y, node.add(Add{}, {y, bias}));
  }
  TRY(y, node.add_activation(y, act));
  return node.set_output(0, y);
}

constexpr Row kRecurrentRows[] = {
    {"BIDIRECTIONAL_SEQUENCE_LSTM", bidirectional_sequence_lstm},
    {"BIDIRECTIONAL_SEQUENCE_RNN", bidirectional_sequence_rnn},
    {"LSTM", lstm},
    {"RNN", rnn},
    {"SVDF", svdf},
    {"UNIDIRECTIONAL_SEQUENCE_LSTM", unidirectional_sequence_lstm},
    {"UNIDIRECTIONAL_SEQUENCE_RNN", unidirectional_sequence_rnn},
};

}  // namespace

std::span<const Row> recurrent_rows() {
  return kRecurrentRows;
}

}  // namespace pochade::tflite

#include "formats/tflite/lstm.h"

#include <algorithm>

#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/layer_normalization.h"
#include "ops/recurrent/cells.h"

namespace pochade::tflite {
namespace {

/// Steps that a form without an operator of its own is written out for.
constexpr int64_t kMostSteps = 1024;

bool any(std::span<const ValueId> values) {
  return std::any_of(values.begin(), values.end(), [](ValueId v) { return v != kNone; });
}

/// What the operator LSTM has: all but projections, limits and normalisation.
bool is_plain(const LstmWeights& weights, const LstmOptions& options) {
  return weights.projection == kNone && !any(weights.norm) && options.cell_clip == 0 &&
         (options.act.kind == ActivationKind::kTanh || options.act.kind == ActivationKind::kRelu);
}

/// Rows of the gates one below the other in the order of the operator: input, output, forget, cell.
Result<ValueId> stacked(NodeScope& node, const std::array<ValueId, 4>& gates) {
  TRY(const ValueId joined, node.concat({gates[0], gates[3], gates[1], gates[2]}, 0));
  return node.unsqueeze(joined, {0});
}

Result<LstmResult> add_plain(NodeScope& node, ValueId x, LstmWeights weights, const LstmOptions& options,
                             ValueId h, ValueId c, int64_t hidden) {
  Lstm op;
  op.recurrence.hidden_size = hidden;
  op.recurrence.batch_first = !options.time_major;
  op.recurrence.direction = options.reverse ? Direction::kReverse : Direction::kForward;
  const GateFunction shown =
      options.act.kind == ActivationKind::kTanh ? GateFunction::kTanh : GateFunction::kRelu;
  set_functions(op.recurrence, {GateFunction::kSigmoid, shown, shown});
  const ValueId zeros =
      node.constant(Tensor::of<float>({hidden}, std::vector<float>(static_cast<size_t>(hidden), 0)));
  if (weights.w[0] == kNone) {
    // The operator has f = 1 - i, TFLite i = 1 - f; and 1 - sigmoid(z) = sigmoid(-z).
    op.input_forget = true;
    TRY(weights.w[0], node.add(Neg{}, {weights.w[1]}));
    TRY(weights.r[0], node.add(Neg{}, {weights.r[1]}));
    TRY(weights.b[0], node.add(Neg{}, {weights.b[1]}));
    if (weights.p[1] != kNone) {
      TRY(weights.p[0], node.add(Neg{}, {weights.p[1]}));
    }
  }
  if (weights.b[0] == kNone) weights.b[0] = zeros;
  TRY(const ValueId w, stacked(node, weights.w));
  TRY(const ValueId r, stacked(node, weights.r));
  TRY(const ValueId bias,
      node.concat({weights.b[0], weights.b[3], weights.b[1], weights.b[2], zeros, zeros, zeros, zeros}, 0));
  TRY(const ValueId b, node.unsqueeze(bias, {0}));
  ValueId peepholes = kNone;
  if (any(weights.p)) {
    for (ValueId& p : weights.p)
      if (p == kNone) p = zeros;
    TRY(const ValueId joined, node.concat({weights.p[0], weights.p[2], weights.p[1]}, 0));
    TRY(peepholes, node.unsqueeze(joined, {0}));
  }
  const int64_t direction_axis = options.time_major ? 0 : 1;
  TRY(const ValueId h_before, node.unsqueeze(h, {direction_axis}));
  TRY(const ValueId c_before, node.unsqueeze(c, {direction_axis}));
  TRY(const std::vector<ValueId> out,
      node.add_all(make_op(std::move(op)), {x, w, r, b, kNone, h_before, c_before, peepholes}));
  LstmResult result;
  TRY(result.y, node.squeeze(out[0], {options.time_major ? 1 : 2}));
  TRY(result.h, node.squeeze(out[1], {direction_axis}));
  TRY(result.c, node.squeeze(out[2], {direction_axis}));
  return result;
}

/// One step after the other, of ordinary operators.
class Unrolled {
 public:
  Unrolled(NodeScope& node, const LstmWeights& weights, const LstmOptions& options)
      : node_(node), weights_(weights), options_(options) {}

  /// x: N,I; h and c are replaced.
  Status step(ValueId x, ValueId& h, ValueId& c) {
    TRY(const ValueId forget, gate(1, x, h, c));
    ValueId input = kNone;
    if (weights_.w[0] != kNone) {
      TRY(input, gate(0, x, h, c));
    } else {
      TRY(input, node_.add(Sub{}, {node_.scalar(1.0f), forget}));
    }
    TRY(const ValueId fresh, gate(2, x, h, c));
    TRY(const ValueId kept, node_.add(Mul{}, {forget, c}));
    TRY(const ValueId added, node_.add(Mul{}, {input, fresh}));
    TRY(c, node_.add(Add{}, {kept, added}));
    TRY(c, limited(c, options_.cell_clip));
    TRY(const ValueId output, gate(3, x, h, c));
    TRY(const ValueId shown, node_.add_activation(c, options_.act));
    TRY(h, node_.add(Mul{}, {output, shown}));
    if (weights_.projection == kNone) return {};
    TRY(h, product(h, weights_.projection, weights_.projection_bias));
    TRY(h, limited(h, options_.projection_clip));
    return {};
  }

 private:
  Result<ValueId> product(ValueId x, ValueId w, ValueId b) {
    Gemm gemm;
    gemm.transpose_b = true;
    std::vector<ValueId> inputs{x, w};
    if (b != kNone) inputs.push_back(b);
    return node_.add(gemm, std::move(inputs));
  }
  Result<ValueId> limited(ValueId x, float limit) {
    if (!(limit > 0)) return x;
    return node_.add_activation(x, Activation{ActivationKind::kClip, -limit, limit});
  }
  Result<ValueId> gate(size_t k, ValueId x, ValueId h, ValueId c) {
    const bool is_normal = weights_.norm[k] != kNone;
    TRY(const ValueId from_x, product(x, weights_.w[k], is_normal ? kNone : weights_.b[k]));
    TRY(const ValueId from_h, product(h, weights_.r[k], kNone));
    TRY(ValueId sum, node_.add(Add{}, {from_x, from_h}));
    const size_t peephole = k == 3 ? 2 : k;
    if (k != 2 && weights_.p[peephole] != kNone) {
      TRY(const ValueId seen, node_.add(Mul{}, {c, weights_.p[peephole]}));
      TRY(sum, node_.add(Add{}, {sum, seen}));
    }
    if (is_normal) {
      LayerNormalization norm;
      norm.epsilon = 1e-8f;
      std::vector<ValueId> inputs{sum, weights_.norm[k]};
      if (weights_.b[k] != kNone) inputs.push_back(weights_.b[k]);
      TRY(sum, node_.add(norm, std::move(inputs)));
    }
    if (k == 2) return node_.add_activation(sum, options_.act);
    return node_.add(Sigmoid{}, {sum});
  }

  NodeScope& node_;
  const LstmWeights& weights_;
  const LstmOptions& options_;
};

}  // namespace

Result<LstmResult> add_lstm(NodeScope& node, ValueId x, const LstmWeights& weights,
                            const LstmOptions& options, ValueId h, ValueId c) {
  const auto size = node.fact(weights.w[1]).shape();
  if (!size || size->rank() != 2) return Error::invalid_model("the weights are {}", node.fact(weights.w[1]));
  if ((*size)[0] > kMostHidden) return Error::not_supported("it has {} hidden values", (*size)[0]);
  if (!node.fact(x).rank_known() || node.fact(x).rank() != 3)
    return Error::invalid_model("x is {}, expected rank 3", node.fact(x));
  if (is_plain(weights, options)) return add_plain(node, x, weights, options, h, c, (*size)[0]);
  const int time_axis = options.time_major ? 0 : 1;
  const Dim steps = node.fact(x).dim(time_axis);
  if (!steps.is_number() || steps.number() < 1 || steps.number() > kMostSteps)
    return Error::not_supported(
        "it has {} steps: with a projection, a limit or a normalisation, 1 to {} are "
        "supported",
        steps, kMostSteps);
  node.state().steps_left -= steps.number();
  if (node.state().steps_left < 0) return Error::not_supported("the recurrent operators have too many steps");
  Unrolled cell(node, weights, options);
  std::vector<ValueId> outputs(static_cast<size_t>(steps.number()), kNone);
  for (int64_t i = 0; i < steps.number(); ++i) {
    const int64_t t = options.reverse ? steps.number() - 1 - i : i;
    TRY(const ValueId part, node.slice(x, time_axis, t, t + 1));
    TRY(const ValueId now, node.squeeze(part, {time_axis}));
    TRY(cell.step(now, h, c));
    TRY(outputs[static_cast<size_t>(t)], node.unsqueeze(h, {time_axis}));
  }
  TRY(const ValueId y, node.concat(std::move(outputs), time_axis));
  return LstmResult{y, h, c};
}

}  // namespace pochade::tflite

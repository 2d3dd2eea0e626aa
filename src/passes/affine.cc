#include "passes/affine.h"

#include <algorithm>
#include <cmath>

#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/matrix/gemm.h"
#include "passes/activated.h"

namespace pochade {
namespace {

bool finite(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double v) { return std::isfinite(static_cast<float>(v)); });
}

Tensor vector_of(const std::vector<double>& values) {
  std::vector<float> narrow(values.begin(), values.end());
  return Tensor::of<float>({static_cast<int64_t>(narrow.size())}, narrow);
}

/// Where a weight belongs: its output channel and its input channel, for the element at `i`.
struct Place {
  size_t output, input;
};

class Places {
 public:
  explicit Places(const Linear& linear) {
    const Shape& w = linear.weights.shape();
    if (const auto* gemm = op_as<Gemm>(*linear.op)) {
      columns_ = w[1];
      outputs_first_ = gemm->transpose_b;
      return;
    }
    const auto* conv = op_as<Conv>(*linear.op);
    const int64_t groups = conv != nullptr ? conv->groups : op_as<ConvTranspose>(*linear.op)->groups;
    columns_ = w.back();
    per_output_ = w.product(1, w.rank());
    group_outputs_ = std::max<int64_t>(w[0] / groups, 1);
  }
  Place at(int64_t i) const {
    const int64_t row = i / columns_, column = i % columns_;
    if (per_output_ == 0) {
      return outputs_first_ ? Place{static_cast<size_t>(row), static_cast<size_t>(column)}
                            : Place{static_cast<size_t>(column), static_cast<size_t>(row)};
    }
    const int64_t output = i / per_output_;
    return {static_cast<size_t>(output), static_cast<size_t>(output / group_outputs_ * columns_ + column)};
  }

 private:
  int64_t columns_ = 1, per_output_ = 0, group_outputs_ = 1;  // per_output_ is 0 for Gemm
  bool outputs_first_ = false;
};

/// The weights with each element multiplied; undefined if a product is not finite.
template <typename F>
Tensor multiplied(const Linear& linear, F&& factor) {
  auto made = Tensor::make(DType::kF32, linear.weights.shape());
  if (!made) return {};
  const auto from = linear.weights.data<float>();
  const auto to = made->template mutable_data<float>();
  const Places places(linear);
  for (size_t i = 0; i < from.size(); ++i) {
    to[i] = static_cast<float>(static_cast<double>(from[i]) * factor(places.at(static_cast<int64_t>(i))));
    if (!std::isfinite(to[i])) return {};
  }
  return *std::move(made);
}

/// A constant shift of every input element is a constant shift of the output: nothing is read from a border
/// of zeros.
bool shift_passes(const Op& op) {
  if (op_as<Gemm>(op) != nullptr) return true;
  const auto* conv = op_as<Conv>(op);
  if (conv == nullptr) return false;
  const auto none = [](const std::vector<int64_t>& pads) {
    return std::ranges::all_of(pads, [](int64_t p) { return p <= 0; });
  };
  return conv->pad_mode != PadMode::kZero || (conv->window.auto_pad == AutoPad::kExplicit &&
                                              none(conv->window.pads_begin) && none(conv->window.pads_end));
}

}  // namespace

std::optional<Linear> linear_at(const Finder& find, NodeId id) {
  const Node& node = find.graph().node(id);
  const auto* gemm = op_as<Gemm>(*node.op);
  if (gemm == nullptr && op_as<Conv>(*node.op) == nullptr && op_as<ConvTranspose>(*node.op) == nullptr)
    return std::nullopt;
  Linear out{id, node.op, find.constant(input_of(node, 1)), {}};
  if (!out.weights.defined() || out.weights.dtype() != DType::kF32 || out.weights.elements() == 0)
    return std::nullopt;
  const int64_t channels = out.weights.shape()[gemm != nullptr && !gemm->transpose_b ? 1 : 0];
  out.bias.assign(static_cast<size_t>(channels), 0.0);
  if (const ValueId bias = input_of(node, 2); bias != kNone) {
    const auto values = channel_values(find.constant(bias), 2, channels);
    if (!values) return std::nullopt;
    const double factor = gemm != nullptr ? static_cast<double>(gemm->beta) : 1;
    for (size_t i = 0; i < out.bias.size(); ++i) out.bias[i] = (*values)[i] * factor;
  }
  return out;
}

/// The node with other weights and bias, and with input 0 from `x`.
void AffineFolder::set_weights(const Linear& linear, ValueId x, Tensor weights,
                               const std::vector<double>& bias) {
  const Node node = rewrite_.graph().node(linear.node);
  const std::string weights_name = rewrite_.graph().value(node.inputs[1]).name;
  const ValueId old_bias = input_of(node, 2);
  const std::string bias_name =
      old_bias != kNone ? rewrite_.graph().value(old_bias).name : node.name + ".bias";
  const ValueId w = rewrite_.constant(weights_name, std::move(weights));
  const ValueId b = rewrite_.constant(bias_name, vector_of(bias));
  OpPtr op = linear.op;
  if (const auto* gemm = op_as<Gemm>(*op); gemm != nullptr && gemm->beta != 1) {
    Gemm with_bias = *gemm;
    with_bias.beta = 1;
    op = make_op(std::move(with_bias));
  }
  rewrite_.replace(linear.node, std::move(op), {x, w, b});
  changed_.insert(linear.node);
}

bool AffineFolder::into_producer(const Affine& affine) {
  const NodeId producer = find_.graph().value(affine.x).producer;
  if (producer == kNone || changed_.contains(producer) || changed_.contains(affine.node)) return false;
  if (find_.sole_user(affine.x) != affine.node) return false;
  const auto linear = linear_at(find_, producer);
  if (!linear || !is_none(*activation_of(*linear->op)) || linear->bias.size() != affine.scale.size())
    return false;
  std::vector<double> bias = linear->bias;
  for (size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * affine.scale[c] + affine.shift[c];
  Tensor weights = multiplied(*linear, [&](Place place) { return affine.scale[place.output]; });
  if (!weights.defined() || !finite(bias)) return false;
  const ValueId x = rewrite_.graph().node(producer).inputs[0];
  set_weights(*linear, x, std::move(weights), bias);
  rewrite_.redirect(find_.graph().node(affine.node).outputs[0], affine.x);
  changed_.insert(affine.node);
  return true;
}

bool AffineFolder::into_user(const Affine& affine) {
  const ValueId y = find_.graph().node(affine.node).outputs[0];
  const NodeId user = find_.sole_user(y);
  if (user == kNone || changed_.contains(user) || changed_.contains(affine.node)) return false;
  if (find_.graph().node(user).inputs[0] != y) return false;
  const auto linear = linear_at(find_, user);
  if (!linear) return false;
  const auto* gemm = op_as<Gemm>(*linear->op);
  if (gemm != nullptr && gemm->transpose_a) return false;
  const bool shifts = std::ranges::any_of(affine.shift, [](double s) { return s != 0; });
  if (shifts && !shift_passes(*linear->op)) return false;

  std::vector<double> bias = linear->bias;
  const Places places(*linear);
  const double alpha = gemm != nullptr ? static_cast<double>(gemm->alpha) : 1;
  const auto w = linear->weights.data<float>();
  for (size_t i = 0; i < w.size(); ++i) {
    const Place place = places.at(static_cast<int64_t>(i));
    if (place.input >= affine.scale.size()) return false;
    bias[place.output] += alpha * static_cast<double>(w[i]) * affine.shift[place.input];
  }
  Tensor weights = multiplied(*linear, [&](Place place) { return affine.scale[place.input]; });
  if (!weights.defined() || !finite(bias)) return false;
  const size_t x_input = affine.x == find_.graph().node(affine.node).inputs[0] ? 0 : 1;
  // As it reads by now: what fed it may have been folded.
  set_weights(*linear, rewrite_.graph().node(affine.node).inputs[x_input], std::move(weights), bias);
  return true;
}

}  // namespace pochade

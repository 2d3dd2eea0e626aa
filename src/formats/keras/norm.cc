#include <algorithm>
#include <numeric>

#include "formats/keras/rows.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/local_normalization.h"

namespace pochade::keras {
namespace {

Result<Tensor> filled(const Shape& shape, float value) {
  TRY(Tensor out, Tensor::make(DType::kF32, shape));
  std::ranges::fill(out.mutable_data<float>(), value);
  return out;
}

/// The permutation that moves one axis to the end, and the way back.
std::vector<int64_t> axis_to_end(int rank, int axis) {
  std::vector<int64_t> perm;
  for (int i = 0; i < rank; ++i)
    if (i != axis) perm.push_back(i);
  perm.push_back(axis);
  return perm;
}
std::vector<int64_t> axis_from_end(int rank, int axis) {
  std::vector<int64_t> perm(static_cast<size_t>(rank));
  const std::vector<int64_t> there = axis_to_end(rank, axis);
  for (size_t i = 0; i < there.size(); ++i) perm[static_cast<size_t>(there[i])] = static_cast<int64_t>(i);
  return perm;
}

/// The one axis of the channels.
Result<int> channel_axis(LayerScope& layer, int rank) {
  TRY(const std::vector<int64_t> axes, layer.integers("axis", 0, {-1}));
  if (axes.size() != 1) return Error::not_supported("axis names {} axes, expected one", axes.size());
  const auto axis = normal_axis(axes[0], rank);
  if (!axis || *axis == 0)
    return Error::invalid_model("axis is {}, and the input has {} dimensions", axes[0], rank);
  return *axis;
}

struct ScaleAndCenter {
  bool scale = true, center = true;
  Tensor gamma, beta;
  std::vector<Tensor> others;
};

/// gamma and beta, as far as they are there, and `others` weights behind them.
Result<ScaleAndCenter> read_scale_and_center(LayerScope& layer, size_t others) {
  ScaleAndCenter out;
  TRY(out.scale, layer.flag("scale", true));
  TRY(out.center, layer.flag("center", true));
  TRY(const std::vector<Weight> weights, layer.variables());
  const size_t expected = static_cast<size_t>(out.scale) + static_cast<size_t>(out.center) + others;
  if (weights.size() != expected || expected == 0)
    return Error::invalid_model("the file has {} weights for it, expected {}", weights.size(), expected);
  size_t at = 0;
  std::vector<Tensor> tensors;
  for (const Weight& weight : weights) {
    TRY(tensors.emplace_back(), weight.tensor.cast(DType::kF32));
  }
  const Shape shape = tensors[0].shape();
  if (out.scale) out.gamma = tensors[at++];
  if (out.center) out.beta = tensors[at++];
  out.others.assign(tensors.begin() + static_cast<std::ptrdiff_t>(at), tensors.end());
  if (!out.scale) {
    TRY(out.gamma, filled(shape, 1));
  }
  if (!out.center) {
    TRY(out.beta, filled(shape, 0));
  }
  return out;
}

Result<Values> batch_normalization(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  TRY(const int axis, channel_axis(layer, rank));
  for (const char* key : {"momentum", "fused", "renorm", "renorm_clipping", "renorm_momentum",
                          "virtual_batch_size", "adjustment", "synchronized"})
    layer.ignore(key);
  BatchNormalization op;
  TRY(op.epsilon, layer.number("epsilon", 1e-3f));
  TRY(const ScaleAndCenter weights, read_scale_and_center(layer, 2));
  TRY(const ValueId last, layer.transpose(x, axis_to_end(rank, axis)));
  TRY(const ValueId y,
      layer.add(op, {last, layer.constant("gamma", weights.gamma), layer.constant("beta", weights.beta),
                     layer.constant("moving_mean", weights.others[0]),
                     layer.constant("moving_variance", weights.others[1])}));
  TRY(const ValueId out, layer.transpose(y, axis_from_end(rank, axis)));
  return Values{out};
}

/// Over the named axes together; they are moved to the end.
Result<Values> layer_normalization(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  TRY(const bool rms, layer.flag("rms_scaling", false));
  if (rms) return Error::not_supported("rms_scaling");
  LayerNormalization op;
  TRY(op.epsilon, layer.number("epsilon", 1e-3f));
  TRY(const std::vector<int64_t> named, layer.integers("axis", 0, {-1}));
  std::vector<int> axes;
  for (const int64_t name : named) {
    const auto axis = normal_axis(name, rank);
    if (!axis) return Error::invalid_model("axis holds {}, and the input has {} dimensions", name, rank);
    axes.push_back(*axis);
  }
  std::ranges::sort(axes);
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  std::vector<int64_t> perm, back(static_cast<size_t>(rank));
  for (int i = 0; i < rank; ++i)
    if (std::ranges::find(axes, i) == axes.end()) perm.push_back(i);
  perm.insert(perm.end(), axes.begin(), axes.end());
  for (size_t i = 0; i < perm.size(); ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  op.axis = -static_cast<int64_t>(axes.size());
  TRY(const bool scale, layer.flag("scale", true));
  TRY(const bool center, layer.flag("center", true));
  ValueId gamma = kNone, beta = kNone;
  if (scale || center) {
    TRY(const ScaleAndCenter weights, read_scale_and_center(layer, 0));
    gamma = layer.constant("gamma", weights.gamma);
    beta = layer.constant("beta", weights.beta);
  } else {
    gamma = layer.number_constant(1);
  }
  TRY(const ValueId last, layer.transpose(x, perm));
  TRY(const ValueId y, layer.add(op, {last, gamma, beta}));
  TRY(const ValueId out, layer.transpose(y, back));
  return Values{out};
}

Result<Values> group_normalization(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  TRY(const int axis, channel_axis(layer, rank));
  GroupNormalization op;
  TRY(op.epsilon, layer.number("epsilon", 1e-3f));
  TRY(op.groups, layer.integer("groups", 32));
  TRY(const ScaleAndCenter weights, read_scale_and_center(layer, 0));
  if (op.groups == -1) op.groups = weights.gamma.elements();
  TRY(const ValueId last, layer.transpose(x, axis_to_end(rank, axis)));
  TRY(const ValueId y,
      layer.add(op, {last, layer.constant("gamma", weights.gamma), layer.constant("beta", weights.beta)}));
  TRY(const ValueId out, layer.transpose(y, axis_from_end(rank, axis)));
  return Values{out};
}

/// x / sqrt(max(sum of squares, 1e-12)): what is smaller is as good as zero.
Result<Values> unit_normalization(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  LpNormalization op;
  TRY(const std::vector<int64_t> axes, layer.integers("axis", 0, {-1}));
  if (axes.size() != 1) return Error::not_supported("axis names {} axes, expected one", axes.size());
  op.axis = axes[0];
  return layer.one(op, {x});
}

constexpr Row kNormRows[] = {
    {"BatchNormalization", batch_normalization},
    {"BatchNormalizationV1", batch_normalization},
    {"BatchNormalizationV2", batch_normalization},
    {"SyncBatchNormalization", batch_normalization},
    {"LayerNormalization", layer_normalization},
    {"GroupNormalization", group_normalization},
    {"UnitNormalization", unit_normalization},
    {"SpectralNormalization", nullptr, "it changes its layer's weights whenever it runs"},
};

}  // namespace

std::span<const Row> norm_rows() {
  return kNormRows;
}

}  // namespace pochade::keras

#include "formats/tensorflow/rows.h"
#include "formats/tensorflow/window_attributes.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"

namespace pochade::tensorflow {
namespace {

/// Padding never counts: neither as a zero of the mean nor for the largest.
template <typename D, int kSpatialRank>
Status pool(NodeScope& node) {
  TRY(const bool channels_first, node.channels_first());
  D op;
  if (node.input_count() == 3) {  // MaxPoolV2 has them as inputs
    TRY(const auto ksize, node.constant_integers(1, "ksize"));
    TRY(const auto strides, node.constant_integers(2, "strides"));
    TRY(op.kernel, spatial_values("ksize", ksize, channels_first, kSpatialRank));
    TRY(op.window.strides, spatial_values("strides", strides, channels_first, kSpatialRank));
    TRY(read_padding(node, channels_first, kSpatialRank, op.window));
  } else {
    TRY(op.kernel, spatial_values(node, "ksize", channels_first, kSpatialRank));
    TRY(op.window, read_window(node, channels_first, kSpatialRank));
  }
  if (op.kernel.empty()) return Error::invalid_model("attribute \"ksize\" is missing");
  TRY(ValueId x, node.input(0));
  if (channels_first) {
    TRY(x, node.to_channels_last(x));
  }
  TRY(ValueId y, node.add(std::move(op), {x}));
  if (channels_first) {
    TRY(y, node.to_channels_first(y));
  }
  node.set_output(0, y);
  return {};
}

constexpr Row kPoolRows[] = {
    {"AvgPool", pool<AveragePool, 2>}, {"AvgPool3D", pool<AveragePool, 3>}, {"MaxPool", pool<MaxPool, 2>},
    {"MaxPool3D", pool<MaxPool, 3>},   {"MaxPoolV2", pool<MaxPool, 2>},
};

}  // namespace

std::span<const Row> pool_rows() {
  return kPoolRows;
}

}  // namespace pochade::tensorflow

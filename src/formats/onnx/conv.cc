#include "ops/conv/conv.h"
#include "formats/onnx/rows.h"
#include "formats/onnx/window_attributes.h"
#include "ops/conv/conv_transpose.h"

namespace pochade::onnx {
namespace {

Status conv(NodeScope& node) {
  Conv op;
  TRY(const size_t spatial_rank, read_spatial_rank(node, 1));
  TRY(op.window, read_window(node, spatial_rank));
  TRY(op.groups, node.integer("group", 1));
  TRY(const ValueId x, node.to_channels_last(node.input(0)));
  TRY(const ValueId w, node.to_channels_last(node.input(1)));
  std::vector<ValueId> inputs{x, w};
  if (node.has_input(2)) inputs.push_back(node.input(2));
  TRY(const ValueId y, node.add(std::move(op), std::move(inputs)));
  return node.set_output_channels_first(0, y);
}

/// C, O/groups, spatial... -> O, spatial..., C/groups
Result<ValueId> transposed_weights(NodeScope& node, ValueId weights, int64_t groups) {
  const Fact fact = node.fact_of(weights);
  const auto shape = fact.shape();
  if (!shape) return Error::not_supported("the shape of the weights is not known");
  const int rank = shape->rank();
  if (groups == 1) {
    std::vector<int64_t> perm{1};
    for (int i = 2; i < rank; ++i) perm.push_back(i);
    perm.push_back(0);
    return node.transpose(weights, std::move(perm));
  }
  return Error::not_supported("weights of {} groups", groups);
}

Status conv_transpose(NodeScope& node) {
  ConvTranspose op;
  TRY(const size_t spatial_rank, read_spatial_rank(node, 1));
  TRY(op.window, read_window(node, spatial_rank));
  TRY(op.groups, node.integer("group", 1));
  TRY(op.output_padding, node.integers("output_padding"));
  TRY(op.output_shape, node.integers("output_shape"));
  // Some exporters write all sizes, batch and channels included.
  if (op.output_shape.size() == spatial_rank + 2)
    op.output_shape.erase(op.output_shape.begin(), op.output_shape.begin() + 2);
  TRY(const ValueId x, node.to_channels_last(node.input(0)));
  TRY(const ValueId w, transposed_weights(node, node.input(1), op.groups));
  std::vector<ValueId> inputs{x, w};
  if (node.has_input(2)) inputs.push_back(node.input(2));
  TRY(const ValueId y, node.add(std::move(op), std::move(inputs)));
  return node.set_output_channels_first(0, y);
}

constexpr Row kRows[] = {
    {"", "Conv", 1, kLatest, conv},
    {"", "ConvTranspose", 1, kLatest, conv_transpose},
};

}  // namespace

std::span<const Row> conv_rows() {
  return kRows;
}

}  // namespace pochade::onnx

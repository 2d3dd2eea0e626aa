#include "ops/conv/conv.h"
#include "formats/onnx/rows.h"
#include "formats/onnx/window_attributes.h"
#include "ops/conv/conv_transpose.h"
#include "ops/conv/deform_conv.h"
#include "ops/shape/reshape.h"

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
  if (groups < 1 || (*shape)[0] % groups != 0)
    return Error::invalid_model("{} input channels do not divide into {} groups", (*shape)[0], groups);
  // By way of groups, C/groups, O/groups, spatial... -> groups, O/groups, spatial..., C/groups.
  std::vector<int64_t> split{groups, (*shape)[0] / groups}, joined{groups * (*shape)[1]}, perm{0, 2};
  for (int i = 1; i < rank; ++i) split.push_back((*shape)[i]);
  for (int i = 2; i < rank; ++i) {
    joined.push_back((*shape)[i]);
    perm.push_back(i + 1);
  }
  perm.push_back(1);
  joined.push_back((*shape)[0] / groups);
  TRY(const ValueId by_group, node.add(Reshape{}, {weights, node.constant(split)}));
  TRY(const ValueId turned, node.transpose(by_group, std::move(perm)));
  return node.add(Reshape{}, {turned, node.constant(joined)});
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

Status deform_conv(NodeScope& node) {
  DeformConv op;
  TRY(const size_t spatial_rank, read_spatial_rank(node, 1));
  TRY(op.window, read_window(node, spatial_rank));
  TRY(op.groups, node.integer("group", 1));
  TRY(op.offset_groups, node.integer("offset_group", 1));
  std::vector<ValueId> inputs = node.inputs();
  for (size_t i = 0; i < inputs.size(); ++i)
    if (i != 3 && inputs[i] != kNone) {
      TRY(inputs[i], node.to_channels_last(inputs[i]));
    }
  TRY(const ValueId y, node.add(std::move(op), std::move(inputs)));
  return node.set_output_channels_first(0, y);
}

constexpr Row kConvRows[] = {
    {"", "Conv", 1, kLatest, conv},
    {"", "ConvTranspose", 1, kLatest, conv_transpose},
    {"", "DeformConv", 19, kLatest, deform_conv},
};

}  // namespace

std::span<const Row> conv_rows() {
  return kConvRows;
}

}  // namespace pochade::onnx

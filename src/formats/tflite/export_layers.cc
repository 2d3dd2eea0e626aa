// Layers that compute: products, normalisations, interpolation.

#include <algorithm>
#include <cmath>

#include "formats/tflite/export_scope.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/global_pool.h"
#include "ops/resize/resize.h"

namespace pochade::tflite {
namespace {

/// FULLY_CONNECTED: rows times constant weights O,I.
Status gemm(ExportScope& node) {
  const auto& op = node.as<Gemm>();
  TRY(node.expect_products());
  const Fact w = node.fact(1), b = node.fact(2);
  if (op.transpose_a || op.alpha != 1 || (op.beta != 1 && node.has_input(2)))
    return Error::not_supported("TFLite has no such factors or transposed rows; --simplify may fold them");
  if (!w.is_constant()) return Error::not_supported("its weights are computed");
  const int64_t channels = w.constant.shape()[op.transpose_b ? 0 : 1];
  TensorIndex bias = kLeftOut;
  if (node.has_input(2) && b.is_constant() && b.constant.elements() == channels) {
    bias = b.rank() == 1 ? node.input(2) : node.constant(b.constant.reshaped({channels}), node.input_type(2));
  } else if (node.has_input(2)) {
    return Error::not_supported("its third input is {}, TFLite has one number a column", b);
  }
  TRY(const auto act, node.activation());
  TensorIndex weights = node.input(1);
  if (!op.transpose_b) {
    TRY(weights, node.turned(1, {1, 0}));
  }
  const HybridLayer* hybrid = node.hybrid();
  const bool asymmetric = hybrid != nullptr && !hybrid->symmetric;
  const auto options = schema::CreateFullyConnectedOptions(
      node.flat(), act, schema::FullyConnectedOptionsWeightsFormat::DEFAULT, false, asymmetric);
  const int integers = node.type_version();
  const int version = asymmetric          ? 9
                      : hybrid != nullptr ? 3
                      : integers == 3     ? 7
                      : integers == 2     ? 4
                      : bias == kLeftOut  ? 6
                                          : 1;
  node.write(BuiltinOperator::FULLY_CONNECTED, version, {node.input(0), weights, bias}, {node.output()},
             node.options(OptionsType::FullyConnectedOptions, options));
  return {};
}

Status matmul(ExportScope& node) {
  TRY(node.expect_products());
  if (!node.fact(0).rank_known() || !node.fact(1).rank_known() || node.fact(0).rank() < 2 ||
      node.fact(1).rank() < 2)
    return Error::not_supported("TFLite multiplies matrices only");
  return node.emit(
      BuiltinOperator::BATCH_MATMUL, node.type_version(),
      node.options(OptionsType::BatchMatMulOptions, schema::CreateBatchMatMulOptions(node.flat())));
}

std::vector<int64_t> spatial_axes(int rank) {
  std::vector<int64_t> out;
  for (int axis = 1; axis + 1 < rank; ++axis) out.push_back(axis);
  return out;
}

Options keep_dims(ExportScope& node) {
  return node.options(OptionsType::ReducerOptions, schema::CreateReducerOptions(node.flat(), true));
}

template <BuiltinOperator kCode>
Status global_pool(ExportScope& node) {
  if (!node.fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const TensorIndex axes = node.int32s(spatial_axes(node.fact(0).rank()));
  node.write(kCode, node.type_version(), {node.input(0), axes}, {node.output()}, keep_dims(node));
  return {};
}

Options add_options(ExportScope& node, schema::ActivationFunctionType act) {
  return node.options(OptionsType::AddOptions, schema::CreateAddOptions(node.flat(), act));
}
Options mul_options(ExportScope& node) {
  return node.options(OptionsType::MulOptions, schema::CreateMulOptions(node.flat()));
}

/// x * scale + shift, with what is constant computed beforehand.
Status batch_normalization(ExportScope& node) {
  const auto& op = node.as<BatchNormalization>();
  if (op.training) return Error::not_supported("TFLite does not train");
  std::vector<std::vector<float>> parameters;
  for (size_t i = 1; i < 5; ++i) {
    if (!node.fact(i).is_constant()) return Error::not_supported("its parameters are computed");
    parameters.push_back(to_floats(node.fact(i).constant));
  }
  std::vector<float> scale, shift;
  for (size_t c = 0; c < parameters[0].size(); ++c) {
    scale.push_back(parameters[0][c] / std::sqrt(parameters[3][c] + op.epsilon));
    shift.push_back(parameters[1][c] - parameters[2][c] * scale[c]);
  }
  TRY(const auto act, node.activation());
  const Shape channels{static_cast<int64_t>(scale.size())};
  const TensorIndex scaled = node.between(node.fact(0).dims);
  node.write(BuiltinOperator::MUL, 1, {node.input(0), node.constant(Tensor::of<float>(channels, scale))},
             {scaled}, mul_options(node));
  node.write(BuiltinOperator::ADD, 1, {scaled, node.constant(Tensor::of<float>(channels, shift))},
             {node.output()}, add_options(node, act));
  return {};
}

/// By its definition: mean and variance over the spatial axes of each picture.
Status instance_normalization(ExportScope& node) {
  const auto& op = node.as<InstanceNormalization>();
  if (!node.fact(0).rank_known()) return Error::not_supported("the rank of its input is not known");
  const Dims dims = *node.fact(0).dims;
  Dims small = dims;
  for (size_t axis = 1; axis + 1 < small.size(); ++axis) small[axis] = Dim(1);
  const TensorIndex x = node.input(0), axes = node.int32s(spatial_axes(static_cast<int>(dims.size())));
  TRY(const auto act, node.activation());
  const TensorIndex mean = node.between(small), centred = node.between(dims), squares = node.between(dims),
                    variance = node.between(small), safe = node.between(small), rate = node.between(small),
                    normal = node.between(dims), scaled = node.between(dims);
  TRY(const TensorIndex epsilon, node.number(static_cast<double>(op.epsilon)));
  const auto none = schema::ActivationFunctionType::NONE;
  node.write(BuiltinOperator::MEAN, 1, {x, axes}, {mean}, keep_dims(node));
  node.write(BuiltinOperator::SUB, 1, {x, mean}, {centred},
             node.options(OptionsType::SubOptions, schema::CreateSubOptions(node.flat())));
  node.write(BuiltinOperator::MUL, 1, {centred, centred}, {squares}, mul_options(node));
  node.write(BuiltinOperator::MEAN, 1, {squares, axes}, {variance}, keep_dims(node));
  node.write(BuiltinOperator::ADD, 1, {variance, epsilon}, {safe}, add_options(node, none));
  node.write(BuiltinOperator::RSQRT, 1, {safe}, {rate});
  node.write(BuiltinOperator::MUL, 1, {centred, rate}, {normal}, mul_options(node));
  node.write(BuiltinOperator::MUL, 1, {normal, node.input(1)}, {scaled}, mul_options(node));
  node.write(BuiltinOperator::ADD, 1, {scaled, node.input(2)}, {node.output()}, add_options(node, act));
  return {};
}

template <typename D>
Status softmax(ExportScope& node) {
  const auto& op = node.as<D>();
  const Fact x = node.fact(0);
  const bool is_last = op.axis == -1 || (x.rank_known() && op.axis == x.rank() - 1);
  if (!is_last) return Error::not_supported("its axis is {}, TFLite has the last one only", op.axis);
  if constexpr (std::is_same_v<D, LogSoftmax>)
    return node.emit(
        BuiltinOperator::LOG_SOFTMAX, node.type_version(),
        node.options(OptionsType::LogSoftmaxOptions, schema::CreateLogSoftmaxOptions(node.flat())));
  else
    return node.emit(
        BuiltinOperator::SOFTMAX, node.type_version(),
        node.options(OptionsType::SoftmaxOptions, schema::CreateSoftmaxOptions(node.flat(), 1.0f)));
}

/// Height and width alone, to a size that is known.
Status resize(ExportScope& node) {
  const auto& op = node.as<Resize>();
  TRY(node.expect_picture());
  const Fact x = node.fact(0);
  const Fact& y = node.output_fact();
  for (const int axis : {1, 2})
    if (!x.dim(axis).is_number() || !y.rank_known() || !y.dim(axis).is_number())
      return Error::not_supported("the sizes of its input or output are not known; convert with fixed sizes");
  if (node.has_input(2) && !node.fact(2).is_constant())
    return Error::not_supported("its scales are computed");
  // TFLite's scale is the quotient of the sizes, whatever a scale was before its size was rounded.
  const std::vector<float> scales =
      node.has_input(2) ? to_floats(node.fact(2).constant) : std::vector<float>();
  for (size_t i = 0; i < scales.size(); ++i) {
    const auto axis = op.axes.empty() ? static_cast<int>(i) : static_cast<int>(op.axes[i]);
    if (axis < 1 || axis > 2 || op.coordinates == Resize::Coordinates::kAlignCorners) continue;
    const auto exact = static_cast<double>(x.dim(axis).number()) * static_cast<double>(scales[i]);
    if (std::abs(exact - static_cast<double>(y.dim(axis).number())) > 1e-4)
      return Error::not_supported("its scale {} is not the quotient of two sizes", scales[i]);
  }
  const bool others_stay = y.dim(0) == x.dim(0) && y.dim(3) == x.dim(3);
  using C = Resize::Coordinates;
  const bool plain = others_stay && !op.antialias && !op.exclude_outside;
  const bool corners = op.coordinates == C::kAlignCorners;
  const TensorIndex size = node.int32s({y.dim(1).number(), y.dim(2).number()});
  if (op.mode == Resize::Mode::kLinear) {
    const bool half = op.coordinates == C::kHalfPixel;
    if (!plain || (!corners && !half && op.coordinates != C::kAsymmetric))
      return Error::not_supported("TFLite has no such interpolation ({})", op.fields_text());
    node.write(BuiltinOperator::RESIZE_BILINEAR, half ? 3 : node.type_version(), {node.input(0), size},
               {node.output()},
               node.options(OptionsType::ResizeBilinearOptions,
                            schema::CreateResizeBilinearOptions(node.flat(), 0, 0, corners, half)));
    return {};
  }
  const bool whole = y.dim(1).number() % std::max<int64_t>(1, x.dim(1).number()) == 0 &&
                     y.dim(2).number() % std::max<int64_t>(1, x.dim(2).number()) == 0;
  const bool as_floor =
      op.coordinates == C::kAsymmetric &&
      (op.nearest == Resize::Nearest::kFloor || (op.nearest == Resize::Nearest::kCeilIfShrinking && whole));
  // Enlarged by whole numbers, no middle of a pixel lies between two others: all ways to round agree.
  const bool half =
      op.coordinates == C::kTfHalfPixelForNn
          ? op.nearest == Resize::Nearest::kFloor
          : op.coordinates == C::kHalfPixel && whole && op.nearest == Resize::Nearest::kRoundPreferFloor;
  const bool rounded = corners && op.nearest == Resize::Nearest::kRoundPreferCeil;
  if (op.mode != Resize::Mode::kNearest || !plain || (!as_floor && !half && !rounded))
    return Error::not_supported("TFLite has no such interpolation ({})", op.fields_text());
  node.write(BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, half ? 3 : node.type_version(), {node.input(0), size},
             {node.output()},
             node.options(OptionsType::ResizeNearestNeighborOptions,
                          schema::CreateResizeNearestNeighborOptions(node.flat(), corners, half)));
  return {};
}

constexpr ExportRow kExportLayersRows[] = {
    {"BatchNormalization", batch_normalization},
    {"Gemm", gemm},
    {"GlobalAveragePool", global_pool<BuiltinOperator::MEAN>},
    {"GlobalMaxPool", global_pool<BuiltinOperator::REDUCE_MAX>},
    {"InstanceNormalization", instance_normalization},
    {"LogSoftmax", softmax<LogSoftmax>},
    {"MatMul", matmul},
    {"Resize", resize},
    {"Softmax", softmax<Softmax>},
};

}  // namespace

std::span<const ExportRow> layer_export_rows() {
  return kExportLayersRows;
}

}  // namespace pochade::tflite

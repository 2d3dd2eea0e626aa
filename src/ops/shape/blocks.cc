#include "ops/shape/blocks.h"

namespace pochade {
namespace {

constexpr int64_t kMostBlock = 1 << 15;  // its square still fits an int32

/// dim * factor, or dim / divisor, which must divide it.
Result<Dim> times(const Dim& dim, int64_t factor) {
  if (!dim.is_number()) return factor == 1 ? dim : Dim();
  const auto product = checked_mul(dim.number(), factor);
  if (!product) return Error::invalid_model("the output is too large");
  return Dim(*product);
}
Result<Dim> divided(const Dim& dim, int64_t divisor, std::string_view what) {
  if (!dim.is_number()) return divisor == 1 ? dim : Dim();
  if (dim.number() % divisor != 0)
    return Error::invalid_model("{} {} cannot be divided by {}", dim, what, divisor);
  return Dim(dim.number() / divisor);
}

}  // namespace

Result<Facts> DepthToSpace::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_rank(in[0], "the input", 4, 4));
  if (block < 1 || block > kMostBlock) return Error::invalid_model("a block of {}", block);
  if (!in[0].rank_known()) return Facts{moved(in[0], Dims(4))};
  TRY(const Dim height, times(in[0].dim(1), block));
  TRY(const Dim width, times(in[0].dim(2), block));
  TRY(const Dim channels, divided(in[0].dim(3), block * block, "channels"));
  return Facts{moved(in[0], Dims{in[0].dim(0), height, width, channels})};
}

StridedMove DepthToSpace::move(const Shape& x) const {
  const int64_t n = x[0], h = x[1], w = x[2], c = x[3] / (block * block), b = block;
  // y as N, H, block row, W, block column, C.
  StridedMove out;
  out.dims = Shape{n, h, b, w, b, c};
  out.y_strides = out.dims.strides();
  const int64_t pixel = x[3];
  out.x_strides = channel_first ? Shape{h * w * pixel, w * pixel, b, pixel, 1, b * b}
                                : Shape{h * w * pixel, w * pixel, b * c, pixel, c, 1};
  return out;
}

Result<Tensors> DepthToSpace::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  move_elements(in[0], out[0], move(in[0].shape()));
  return out;
}

Result<Facts> SpaceToDepth::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_rank(in[0], "the input", 4, 4));
  if (block < 1 || block > kMostBlock) return Error::invalid_model("a block of {}", block);
  if (!in[0].rank_known()) return Facts{moved(in[0], Dims(4))};
  TRY(const Dim height, divided(in[0].dim(1), block, "rows"));
  TRY(const Dim width, divided(in[0].dim(2), block, "columns"));
  TRY(const Dim channels, times(in[0].dim(3), block * block));
  return Facts{moved(in[0], Dims{in[0].dim(0), height, width, channels})};
}

StridedMove SpaceToDepth::move(const Shape& x) const {
  const int64_t n = x[0], h = x[1] / block, w = x[2] / block, c = x[3], b = block;
  // y as N, H, W, block row, block column, C.
  StridedMove out;
  out.dims = Shape{n, h, w, b, b, c};
  out.y_strides = out.dims.strides();
  const int64_t row = x[2] * c;
  out.x_strides = Shape{x[1] * row, b * row, b * c, row, c, 1};
  return out;
}

Result<Tensors> SpaceToDepth::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  move_elements(in[0], out[0], move(in[0].shape()));
  return out;
}

}  // namespace pochade

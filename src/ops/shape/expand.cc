#include "ops/shape/expand.h"

#include "ops/shape/generate.h"

namespace pochade {

Result<Facts> Expand::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(auto wanted, dims_from(in[1]));
  const bool known = in[1].is_constant();
  const Fact target(*in[0].dtype, wanted);
  if (!in[0].rank_known() || !target.rank_known()) return Facts{moved(in[0], std::nullopt)};
  if (!known) {  // a size of the target that is not known may be larger than x's or 1
    Dims dims(static_cast<size_t>(std::max(in[0].rank(), target.rank())));
    for (int i = 0; i < in[0].rank(); ++i) {
      const Dim& own = in[0].dim(in[0].rank() - 1 - i);
      if (i >= target.rank() || (own.is_number() && !own.is(1)))
        dims[dims.size() - 1 - static_cast<size_t>(i)] = own;
    }
    return Facts{moved(in[0], std::move(dims))};
  }
  TRY(auto dims, broadcast(std::array{in[0], target}));
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> Expand::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape& y = out[0].shape();
  move_elements(in[0], out[0], {y, 0, broadcast_strides(in[0].shape(), y), 0, y.strides()});
  return out;
}

Result<Facts> Tile::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[1], "repeats", {DType::kI64}));
  const auto repeats = constant_ints(in[1]);
  if (!in[0].rank_known()) return Facts{moved(in[0], std::nullopt)};
  Dims dims = *in[0].dims;
  if (repeats && repeats->size() != dims.size())
    return Error::invalid_model("repeats has {} values, expected {}", repeats->size(), dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!repeats) {
      dims[i] = Dim();
      continue;
    }
    const int64_t times = (*repeats)[i];
    if (times < 0) return Error::invalid_model("repeats has a value of {}", times);
    if (times == 1) continue;
    const auto size = dims[i].is_number() ? checked_mul(dims[i].number(), times) : std::nullopt;
    if (dims[i].is_number() && !size) return Error::invalid_model("the output is too large");
    dims[i] = size ? Dim(*size) : Dim();
  }
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> Tile::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape &x = in[0].shape(), &y = out[0].shape();
  // y is covered by copies of x, each at a multiple of x's sizes.
  if (out[0].elements() == 0) return out;
  Shape copies = y;
  Shape steps = y.strides();
  for (int axis = 0; axis < y.rank(); ++axis) {
    copies[axis] = y[axis] / x[axis];
    steps[axis] *= x[axis];
  }
  walk<1>(copies, {steps},
          [&](int64_t offset) { move_elements(in[0], out[0], {x, 0, x.strides(), offset, y.strides()}); });
  return out;
}

}  // namespace pochade

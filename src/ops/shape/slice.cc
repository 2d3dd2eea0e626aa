#include "ops/shape/slice.h"

#include <algorithm>

namespace pochade {
namespace {

/// The vectors of a Slice whose inputs are constant.
struct SliceInputs {
  std::vector<int64_t> starts, ends, steps;
  std::vector<int> axes;
};

bool all_constant(std::span<const Fact> in) {
  return std::all_of(in.begin() + 1, in.end(), [](const Fact& f) { return !f.present() || f.is_constant(); });
}

Result<SliceInputs> read_inputs(std::span<const Fact> in, int rank) {
  SliceInputs out{*constant_ints(in[1]), *constant_ints(in[2]), {}, {}};
  const size_t count = out.starts.size();
  std::vector<int64_t> axes;
  if (in.size() > 3 && in[3].present())
    axes = *constant_ints(in[3]);
  else
    for (size_t i = 0; i < count; ++i) axes.push_back(static_cast<int64_t>(i));
  if (in.size() > 4 && in[4].present())
    out.steps = *constant_ints(in[4]);
  else
    out.steps.assign(count, 1);
  if (out.ends.size() != count || axes.size() != count || out.steps.size() != count)
    return Error::invalid_model("starts, ends, axes and steps have {}, {}, {} and {} values", count,
                                out.ends.size(), axes.size(), out.steps.size());
  TRY(out.axes, checked_axes(axes, rank));
  if (std::find(out.steps.begin(), out.steps.end(), 0) != out.steps.end())
    return Error::invalid_model("a step is 0");
  return out;
}

SliceRange range_of(int64_t start, int64_t end, int64_t step, int64_t size) {
  const bool forward = step > 0;
  const auto place = [&](int64_t position) {
    if (position < 0) position += size;
    return forward ? std::clamp<int64_t>(position, 0, size) : std::clamp<int64_t>(position, -1, size - 1);
  };
  const int64_t begin = place(start), stop = place(end);
  if (forward ? begin >= stop : begin <= stop) return {0, 1, 0};
  const int64_t count = (stop - begin + (forward ? -1 : 1)) / step + 1;
  return {begin, count == 1 ? 1 : step, count};
}

}  // namespace

Result<std::vector<SliceRange>> slice_ranges(std::span<const Fact> in, const Shape& x) {
  TRY(const SliceInputs inputs, read_inputs(in, x.rank()));
  std::vector<SliceRange> out;
  for (const int64_t size : x.dims()) out.push_back({0, 1, size});
  for (size_t i = 0; i < inputs.axes.size(); ++i)
    out[static_cast<size_t>(inputs.axes[i])] =
        range_of(inputs.starts[i], inputs.ends[i], inputs.steps[i], x[inputs.axes[i]]);
  return out;
}

StridedMove slice_move(const std::vector<SliceRange>& ranges, const Shape& x) {
  const Shape strides = x.strides();
  StridedMove out;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const SliceRange& range = ranges[static_cast<size_t>(axis)];
    out.dims.push_back(range.count);
    out.x_strides.push_back(range.step * strides[axis]);
    out.x_offset += range.start * strides[axis];
  }
  out.y_strides = out.dims.strides();
  return out;
}

Result<Facts> Slice::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 5));
  for (size_t i = 1; i < in.size(); ++i)
    if (in[i].present()) TRY(expect_dtype(in[i], "a position", {DType::kI64, DType::kI32}));
  if (!in[0].rank_known()) return Facts{moved(in[0], std::nullopt)};
  Dims dims = *in[0].dims;
  if (!all_constant(in)) {
    // Which axes are cut is often known even where positions are not.
    const auto axes = in.size() > 3 && in[3].present() ? constant_ints(in[3]) : std::nullopt;
    if (!axes) return Facts{moved(in[0], Dims(dims.size()))};
    TRY(const auto normal, checked_axes(*axes, in[0].rank()));
    for (const int axis : normal) dims[static_cast<size_t>(axis)] = Dim();
    return Facts{moved(in[0], std::move(dims))};
  }
  TRY(const SliceInputs inputs, read_inputs(in, in[0].rank()));
  for (size_t i = 0; i < inputs.axes.size(); ++i) {
    Dim& dim = dims[static_cast<size_t>(inputs.axes[i])];
    const int64_t start = inputs.starts[i], end = inputs.ends[i], step = inputs.steps[i];
    constexpr int64_t kPractically = INT32_MAX;  // how files say "to the end"
    if (dim.is_number())
      dim = range_of(start, end, step, dim.number()).count;
    else if (!(step == 1 && start == 0 && end >= kPractically) &&
             !(step == -1 && start == -1 && end <= -kPractically))
      dim = Dim();
  }
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> Slice::eval(std::span<const Tensor> in) const {
  const Facts facts = facts_of(in);
  TRY(Tensors out, make_outputs(*this, in));
  TRY(const auto ranges, slice_ranges(facts, in[0].shape()));
  if (out[0].elements() != 0) move_elements(in[0], out[0], slice_move(ranges, in[0].shape()));
  return out;
}

Result<Facts> CenterCropPad::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[1], "the shape", {DType::kI64, DType::kI32}));
  if (!in[0].rank_known()) return Facts{moved(in[0], std::nullopt)};
  const int rank = in[0].rank();
  std::vector<int> normal;
  for (int axis = 0; axis < rank && axes.empty(); ++axis) normal.push_back(axis);
  if (!axes.empty()) {
    TRY(normal, checked_axes(axes, rank));
  }
  const auto sizes = constant_ints(in[1]);
  if (sizes && sizes->size() != normal.size())
    return Error::invalid_model("the shape has {} sizes for {} axes", sizes->size(), normal.size());
  Dims dims = *in[0].dims;
  for (size_t i = 0; i < normal.size(); ++i) {
    if (sizes && (*sizes)[i] < 0) return Error::invalid_model("the shape has a size of {}", (*sizes)[i]);
    dims[static_cast<size_t>(normal[i])] = sizes ? Dim((*sizes)[i]) : Dim();
  }
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> CenterCropPad::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape x = in[0].shape(), y = out[0].shape();
  StridedMove move;
  move.x_strides = x.strides();
  move.y_strides = y.strides();
  for (int axis = 0; axis < x.rank(); ++axis) {
    const int64_t surplus = x[axis] - y[axis];
    move.dims.push_back(std::min(x[axis], y[axis]));
    if (surplus > 0)
      move.x_offset += surplus / 2 * move.x_strides[axis];
    else
      move.y_offset += -surplus / 2 * move.y_strides[axis];
  }
  move_elements(in[0], out[0], move);
  return out;
}

}  // namespace pochade

#include "ops/index/order.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/elementwise/wide.h"

namespace pochade {
namespace {

/// A total order: NaN after everything else.
template <typename T>
bool before(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    if (a != a || b != b) return a == a && b != b;
  return a < b;
}

}  // namespace

Result<Facts> TopK::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_types(in[0], "the input", kNumberTypes));
  TRY(expect_dtype(in[1], "k", {DType::kI64, DType::kI32}));
  if (!in[0].rank_known()) return Facts{moved(in[0], std::nullopt), Fact(DType::kI64, std::nullopt)};
  TRY(const int along, checked_axis(axis, in[0].rank()));
  Dims dims = *in[0].dims;
  Dim& dim = dims[static_cast<size_t>(along)];
  if (const auto k = constant_ints(in[1])) {
    if (k->size() != 1) return Error::invalid_model("k has {} values, expected 1", k->size());
    if ((*k)[0] < 0 || (dim.is_number() && (*k)[0] > dim.number()))
      return Error::invalid_model("k is {} of {} elements", (*k)[0], dim);
    dim = (*k)[0];
  } else {
    dim = dim.is_number() ? Dim::at_most(dim.number()) : Dim();
  }
  return Facts{moved(in[0], dims), Fact(DType::kI64, dims)};
}

Result<Tensors> TopK::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape& shape = in[0].shape();
  const int along = *normal_axis(axis, shape.rank());
  const int64_t size = shape[along], inner = shape.product(along + 1, shape.rank()),
                outer = shape.product(0, along);
  const int64_t k = out[0].shape()[along];
  if (out[0].elements() == 0) return out;
  TRY(const Tensor x, in[0].cast(wide_dtype(in[0].dtype())));
  TRY(Tensor y, Tensor::make(x.dtype(), out[0].shape()));
  std::vector<int64_t> order(static_cast<size_t>(size));
  visit_wide<kNumberTypes>(x.dtype(), [&]<typename T>() {
    for (int64_t i = 0; i < outer * inner; ++i) {
      const T* from = x.data<T>().data() + i / inner * size * inner + i % inner;
      const int64_t to = i / inner * k * inner + i % inner;
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int64_t a, int64_t b) {
        const T left = from[a * inner], right = from[b * inner];
        if (before(left, right)) return !largest;
        if (before(right, left)) return largest;
        return a < b;
      });
      for (int64_t j = 0; j < k; ++j) {
        y.mutable_data<T>()[static_cast<size_t>(to + j * inner)] =
            from[order[static_cast<size_t>(j)] * inner];
        out[1].mutable_data<int64_t>()[static_cast<size_t>(to + j * inner)] = order[static_cast<size_t>(j)];
      }
    }
  });
  TRY(out[0], y.cast(in[0].dtype()));
  return out;
}

Result<Facts> NonZero::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  if (!in[0].rank_known()) return Facts{Fact(DType::kI64, Dims(2))};
  const auto shape = in[0].shape();
  const auto elements = shape ? shape->checked_elements() : std::nullopt;
  return Facts{Fact(DType::kI64, Dims{Dim(in[0].rank()), elements ? Dim::at_most(*elements) : Dim()})};
}

Result<Tensors> NonZero::eval(std::span<const Tensor> in) const {
  TRY(const Tensor set, in[0].cast(DType::kBool));
  const auto values = set.data<bool>();
  const int64_t count = std::count(values.begin(), values.end(), true);
  const Shape& shape = in[0].shape();
  TRY(Tensor y, Tensor::make(DType::kI64, Shape{shape.rank(), count}));
  int64_t column = 0;
  for (int64_t i = 0; i < set.elements(); ++i) {
    if (!values[static_cast<size_t>(i)]) continue;
    int64_t rest = i;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      y.mutable_data<int64_t>()[static_cast<size_t>(axis * count + column)] = rest % shape[axis];
      rest /= shape[axis];
    }
    ++column;
  }
  return Tensors{std::move(y)};
}

Result<Facts> Unique::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  const auto count_of = [](const std::optional<Shape>& shape) {
    const auto elements = shape ? shape->checked_elements() : std::nullopt;
    return elements ? Dim(*elements) : Dim();
  };
  const auto at_most = [](const Dim& dim) { return dim.is_number() ? Dim::at_most(dim.number()) : Dim(); };
  Dim places = count_of(in[0].shape());
  std::optional<Dims> dims = Dims{at_most(places)};
  if (axis) {
    dims = in[0].dims;
    places = Dim();
    if (dims) {
      TRY(const int along, checked_axis(*axis, in[0].rank()));
      places = in[0].dim(along);
      (*dims)[static_cast<size_t>(along)] = at_most(places);
    }
  }
  const Fact indices(DType::kI64, Dims{at_most(places)});
  return Facts{moved(in[0], dims), indices, Fact(DType::kI64, Dims{places}), indices};
}

Result<Tensors> Unique::eval(std::span<const Tensor> in) const {
  const Shape flat{in[0].elements()};
  const Shape& shape = axis ? in[0].shape() : flat;
  const int along = axis ? *normal_axis(*axis, shape.rank()) : 0;
  const int64_t count = shape[along], inner = shape.product(along + 1, shape.rank()),
                outer = shape.product(0, along);
  TRY(const Tensor x, in[0].cast(wide_dtype(in[0].dtype())));

  // Slices in ascending order, equal ones by place.
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::vector<bool> starts_group(order.size(), true);
  visit_wide<kAllTypes>(x.dtype(), [&]<typename T>() {
    const auto at = [&](int64_t slice, int64_t i) {
      return x.data<T>()[static_cast<size_t>((i / inner * count + slice) * inner + i % inner)];
    };
    const auto compare = [&](int64_t a, int64_t b) {
      for (int64_t i = 0; i < outer * inner; ++i) {
        if (before(at(a, i), at(b, i))) return -1;
        if (before(at(b, i), at(a, i))) return 1;
      }
      return 0;
    };
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const int sign = compare(a, b);
      return sign != 0 ? sign < 0 : a < b;
    });
    for (size_t i = 1; i < order.size(); ++i) starts_group[i] = compare(order[i - 1], order[i]) != 0;
  });

  struct Group {
    int64_t first, size;
  };
  std::vector<Group> groups;
  std::vector<int64_t> group_of(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (starts_group[i]) groups.push_back({order[i], 0});
    ++groups.back().size;
    group_of[static_cast<size_t>(order[i])] = static_cast<int64_t>(groups.size()) - 1;
  }
  std::vector<int64_t> rank(groups.size());  // where each group stands in the output
  std::vector<int64_t> output(groups.size());
  std::iota(output.begin(), output.end(), 0);
  if (!sorted)
    std::sort(output.begin(), output.end(), [&](int64_t a, int64_t b) {
      return groups[static_cast<size_t>(a)].first < groups[static_cast<size_t>(b)].first;
    });
  for (size_t i = 0; i < output.size(); ++i) rank[static_cast<size_t>(output[i])] = static_cast<int64_t>(i);

  const auto groups_count = static_cast<int64_t>(groups.size());
  Shape y_shape = shape;
  y_shape[along] = groups_count;
  TRY(Tensor y, Tensor::make(in[0].dtype(), y_shape));
  TRY(Tensor firsts, Tensor::make(DType::kI64, Shape{groups_count}));
  TRY(Tensor inverse, Tensor::make(DType::kI64, Shape{count}));
  TRY(Tensor counts, Tensor::make(DType::kI64, Shape{groups_count}));
  for (size_t i = 0; i < output.size(); ++i) {
    const Group& group = groups[static_cast<size_t>(output[i])];
    firsts.mutable_data<int64_t>()[i] = group.first;
    counts.mutable_data<int64_t>()[i] = group.size;
    const StridedMove slice{[&] {
                              Shape dims = shape;
                              dims[along] = 1;
                              return dims;
                            }(),
                            group.first * inner, shape.strides(), static_cast<int64_t>(i) * inner,
                            y_shape.strides()};
    move_elements(in[0], y, slice);
  }
  for (size_t i = 0; i < group_of.size(); ++i)
    inverse.mutable_data<int64_t>()[i] = rank[static_cast<size_t>(group_of[i])];
  return Tensors{std::move(y), std::move(firsts), std::move(inverse), std::move(counts)};
}

Result<Facts> Hardmax::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_types(in[0], "the input", kFloatTypes));
  if (in[0].rank_known()) TRY(checked_axis(axis, in[0].rank()));
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> Hardmax::eval(std::span<const Tensor> in) const {
  const Shape& shape = in[0].shape();
  const int along = *normal_axis(axis, shape.rank());
  const int64_t size = shape[along], inner = shape.product(along + 1, shape.rank()),
                outer = shape.product(0, along);
  TRY(const Tensor x, in[0].cast(DType::kF64));
  TRY(Tensor y, Tensor::make(DType::kF64, shape));
  for (int64_t i = 0; i < outer * inner && size > 0; ++i) {
    const int64_t base = i / inner * size * inner + i % inner;
    int64_t best = base;
    for (int64_t k = 1; k < size; ++k)
      if (x.data<double>()[static_cast<size_t>(base + k * inner)] >
          x.data<double>()[static_cast<size_t>(best)])
        best = base + k * inner;
    y.mutable_data<double>()[static_cast<size_t>(best)] = 1;
  }
  TRY(Tensor out, y.cast(in[0].dtype()));
  return Tensors{std::move(out)};
}

Result<Facts> OneHot::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 3));
  TRY(expect_types(in[0], "the indices", kNumberTypes));
  TRY(expect_types(in[1], "the depth", kNumberTypes));
  if (const auto shape = in[2].shape(); shape && *shape != Shape{2})
    return Error::invalid_model("values has the shape {}, expected 2", *shape);
  if (!in[0].rank_known()) return Facts{Fact(*in[2].dtype, std::nullopt)};
  if (in[0].rank() >= kMaxRank)
    return Error::not_supported("the output has more than {} dimensions", kMaxRank);
  TRY(const int along, checked_axis(axis, in[0].rank() + 1));
  Dims dims = *in[0].dims;
  Dim depth;
  if (const auto value = constant_ints(in[1])) {
    if (value->size() != 1 || (*value)[0] < 0) return Error::invalid_model("the depth is {}", join(*value));
    depth = (*value)[0];
  }
  dims.insert(dims.begin() + along, depth);
  return Facts{Fact(*in[2].dtype, std::move(dims))};
}

Result<Tensors> OneHot::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape& shape = out[0].shape();
  const int along = *normal_axis(axis, shape.rank());
  const int64_t depth = shape[along], inner = shape.product(along + 1, shape.rank());
  const auto indices = to_int64s(in[0]);
  const size_t size = size_of(in[2].dtype());
  for (int64_t i = 0; i < out[0].elements(); ++i) {
    const int64_t place = i / inner % depth;
    const auto index =
        normal_index(indices[static_cast<size_t>(i / inner / depth * inner + i % inner)], depth);
    std::memcpy(out[0].mutable_bytes() + static_cast<size_t>(i) * size,
                in[2].bytes() + (index == place ? size : 0), size);
  }
  return out;
}

}  // namespace pochade

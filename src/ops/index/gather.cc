#include "ops/index/gather.h"

#include <algorithm>
#include <cstring>

namespace pochade {

Result<std::vector<int64_t>> checked_indices(const Tensor& indices, int64_t size) {
  std::vector<int64_t> out = to_int64s(indices);
  for (int64_t& index : out) {
    const auto normal = normal_index(index, size);
    if (!normal) return Error::invalid_argument("index {} is outside [{}, {})", index, -size, size);
    index = *normal;
  }
  return out;
}

Result<Facts> Gather::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[1], "the indices", {DType::kI64, DType::kI32}));
  TRY(expect_rank(in[0], "the input", 1, kMaxRank));
  if (!in[0].rank_known() || !in[1].rank_known()) return Facts{moved(in[0], std::nullopt)};
  TRY(const int along, checked_axis(axis, in[0].rank()));
  if (in[0].rank() + in[1].rank() - 1 > kMaxRank)
    return Error::not_supported("the output has more than {} dimensions", kMaxRank);
  Dims dims(in[0].dims->begin(), in[0].dims->begin() + along);
  dims.insert(dims.end(), in[1].dims->begin(), in[1].dims->end());
  dims.insert(dims.end(), in[0].dims->begin() + along + 1, in[0].dims->end());
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> Gather::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape& shape = in[0].shape();
  const int along = *normal_axis(axis, shape.rank());
  TRY(const auto indices, checked_indices(in[1], shape[along]));
  const size_t row = static_cast<size_t>(shape.product(along + 1, shape.rank())) * size_of(in[0].dtype());
  std::byte* to = out[0].mutable_bytes();
  for (int64_t o = 0; o < shape.product(0, along) && row != 0; ++o)
    for (const int64_t index : indices) {
      std::memcpy(to, in[0].bytes() + static_cast<size_t>(o * shape[along] + index) * row, row);
      to += row;
    }
  return out;
}

Result<Facts> GatherElements::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[1], "the indices", {DType::kI64, DType::kI32}));
  TRY(expect_rank(in[0], "the input", 1, kMaxRank));
  if (in[0].rank_known()) {
    TRY(checked_axis(axis, in[0].rank()));
    TRY(expect_rank(in[1], "the indices", in[0].rank(), in[0].rank()));
  }
  return Facts{moved(in[0], in[1].dims)};
}

Result<Tensors> GatherElements::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape &x = in[0].shape(), &y = in[1].shape();
  const int along = *normal_axis(axis, x.rank());
  for (int i = 0; i < x.rank(); ++i)
    if (i != along && y[i] > x[i])
      return Error::invalid_argument("the indices have {} along axis {}, the input {}", y[i], i, x[i]);
  TRY(const auto indices, checked_indices(in[1], x[along]));
  Shape strides = x.strides();
  const int64_t step = strides[along];
  strides[along] = 0;
  const size_t size = size_of(in[0].dtype());
  size_t i = 0;
  walk<1>(y, {strides}, [&](int64_t base) {
    std::memcpy(out[0].mutable_bytes() + i * size,
                in[0].bytes() + static_cast<size_t>(base + indices[i] * step) * size, size);
    ++i;
  });
  return out;
}

Result<Facts> GatherND::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[1], "the indices", {DType::kI64, DType::kI32}));
  TRY(expect_rank(in[0], "the input", 1, kMaxRank));
  TRY(expect_rank(in[1], "the indices", 1, kMaxRank));
  if (!in[0].rank_known() || !in[1].rank_known() || !in[1].dims->back().is_number())
    return Facts{moved(in[0], std::nullopt)};
  const int64_t indexed = in[1].dims->back().number();
  if (batch_dims < 0 || batch_dims >= in[1].rank() || batch_dims > in[0].rank())
    return Error::invalid_model("batch_dims is {}", batch_dims);
  if (indexed < 1 || indexed > in[0].rank() - batch_dims)
    return Error::invalid_model("the indices have {} columns for an input of rank {}", indexed, in[0].rank());
  const int batch = static_cast<int>(batch_dims);
  for (int i = 0; i < batch; ++i)
    if (in[0].dim(i).is_number() && in[1].dim(i).is_number() && in[0].dim(i) != in[1].dim(i))
      return Error::invalid_model("the batches {} and {} differ", in[0], in[1]);
  Dims dims(in[1].dims->begin(), in[1].dims->end() - 1);
  dims.insert(dims.end(), in[0].dims->begin() + batch + indexed, in[0].dims->end());
  if (dims.size() > kMaxRank) return Error::not_supported("the output has more than {} dimensions", kMaxRank);
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> GatherND::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape& x = in[0].shape();
  const Shape& shape = in[1].shape();
  const int batch = static_cast<int>(batch_dims), columns = static_cast<int>(shape.back());
  const Shape strides = x.strides();
  const size_t row = static_cast<size_t>(x.product(batch + columns, x.rank())) * size_of(in[0].dtype());
  const int64_t rows = shape.product(0, shape.rank() - 1),
                rows_in_batch = shape.product(batch, shape.rank() - 1);
  const int64_t batch_size = x.product(batch, x.rank());
  const auto indices = to_int64s(in[1]);
  for (int64_t r = 0; r < rows; ++r) {
    int64_t from = r / rows_in_batch * batch_size;
    for (int k = 0; k < columns; ++k) {
      const int64_t given = indices[static_cast<size_t>(r * columns + k)];
      const auto index = normal_index(given, x[batch + k]);
      if (!index)
        return Error::invalid_argument("index {} is outside [{}, {})", given, -x[batch + k], x[batch + k]);
      from += *index * strides[batch + k];
    }
    if (row != 0)
      std::memcpy(out[0].mutable_bytes() + static_cast<size_t>(r) * row,
                  in[0].bytes() + static_cast<size_t>(from) * size_of(in[0].dtype()), row);
  }
  return out;
}

Result<Facts> Compress::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[1], "the condition", {DType::kBool}));
  TRY(expect_rank(in[1], "the condition", 1, 1));
  if (!in[0].rank_known()) return Facts{moved(in[0], std::nullopt)};
  if (!axis) {
    const auto shape = in[0].shape();
    const auto elements = shape ? shape->checked_elements() : std::nullopt;
    return Facts{moved(in[0], Dims{elements ? Dim::at_most(*elements) : Dim()})};
  }
  TRY(const int along, checked_axis(*axis, in[0].rank()));
  Dims dims = *in[0].dims;
  Dim& dim = dims[static_cast<size_t>(along)];
  dim = dim.is_number() ? Dim::at_most(dim.number()) : Dim();
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> Compress::eval(std::span<const Tensor> in) const {
  const Shape flat{in[0].elements()};
  const Shape& shape = axis ? in[0].shape() : flat;
  const int along = axis ? *normal_axis(*axis, shape.rank()) : 0;
  const auto condition = in[1].data<bool>();
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < condition.size(); ++i) {
    if (!condition[i]) continue;
    if (static_cast<int64_t>(i) >= shape[along])
      return Error::invalid_argument("the condition chooses {} of {}", i, shape[along]);
    chosen.push_back(static_cast<int64_t>(i));
  }
  const Tensor indices = Tensor::of<int64_t>({static_cast<int64_t>(chosen.size())}, chosen);
  Gather gather;
  gather.axis = along;
  return gather.eval(std::array{in[0].reshaped(shape), indices});
}

}  // namespace pochade

#include "ops/index/scatter.h"

#include <cstring>

#include "ops/elementwise/wide.h"
#include "ops/index/gather.h"

namespace pochade {

std::string_view to_string(ScatterReduction reduction) {
  switch (reduction) {
    case ScatterReduction::kReplace:
      return "none";
    case ScatterReduction::kAdd:
      return "add";
    case ScatterReduction::kMul:
      return "mul";
    case ScatterReduction::kMax:
      return "max";
    case ScatterReduction::kMin:
      return "min";
  }
  return "";
}

namespace {

Result<Facts> infer_scatter(std::span<const Fact> in, ScatterReduction reduction) {
  TRY(expect_inputs(in, 3, 3));
  TRY(expect_dtype(in[1], "the indices", {DType::kI64, DType::kI32}));
  TRY(expect_rank(in[0], "the input", 1, kMaxRank));
  if (in[0].dtype != in[2].dtype)
    return Error::invalid_model("the input is {}, the updates {}", to_string(*in[0].dtype),
                                to_string(*in[2].dtype));
  if (reduction != ScatterReduction::kReplace) TRY(expect_types(in[0], "the input", kNumberTypes));
  return Facts{moved(in[0], in[0].dims)};
}

template <typename T>
T combined(ScatterReduction reduction, T old_value, T update) {
  switch (reduction) {
    case ScatterReduction::kReplace:
      return update;
    case ScatterReduction::kAdd:
      if constexpr (std::is_integral_v<T>)
        return static_cast<T>(static_cast<uint64_t>(old_value) + static_cast<uint64_t>(update));
      else
        return old_value + update;
    case ScatterReduction::kMul:
      if constexpr (std::is_integral_v<T>)
        return static_cast<T>(static_cast<uint64_t>(old_value) * static_cast<uint64_t>(update));
      else
        return old_value * update;
    case ScatterReduction::kMax:
      return update > old_value || update != update ? update : old_value;
    case ScatterReduction::kMin:
      return update < old_value || update != update ? update : old_value;
  }
  return update;
}

/// Runs of `length` elements: each call of place(i) says where run i of the updates goes, in elements.
template <typename F>
Result<Tensors> scatter(std::span<const Tensor> in, ScatterReduction reduction, int64_t runs, int64_t length,
                        F&& place) {
  const DType dtype = in[0].dtype();
  const DType wide = reduction == ScatterReduction::kReplace ? dtype : wide_dtype(dtype);
  TRY(const Tensor x, in[0].cast(wide));
  TRY(const Tensor updates, in[2].cast(wide));
  TRY(Tensor y, Tensor::make(wide, x.shape()));
  if (y.byte_size() != 0) std::memcpy(y.mutable_bytes(), x.bytes(), x.byte_size());
  for (int64_t i = 0; i < runs; ++i) {
    TRY(const int64_t at, place(i));
    if (length == 0) continue;
    if (reduction == ScatterReduction::kReplace) {
      const size_t size = size_of(dtype), bytes = static_cast<size_t>(length) * size;
      std::memcpy(y.mutable_bytes() + static_cast<size_t>(at) * size,
                  updates.bytes() + static_cast<size_t>(i) * bytes, bytes);
      continue;
    }
    visit_wide<kNumberTypes>(wide, [&]<typename T>() {
      T* to = y.mutable_data<T>().data() + at;
      const T* from = updates.data<T>().data() + i * length;
      for (int64_t k = 0; k < length; ++k) to[k] = combined(reduction, to[k], from[k]);
    });
  }
  TRY(Tensor out, y.cast(dtype));
  return Tensors{std::move(out)};
}

}  // namespace

Result<Facts> ScatterElements::infer(std::span<const Fact> in) const {
  TRY(Facts out, infer_scatter(in, reduction));
  if (in[0].rank_known()) {
    TRY(checked_axis(axis, in[0].rank()));
    TRY(expect_rank(in[1], "the indices", in[0].rank(), in[0].rank()));
    TRY(expect_rank(in[2], "the updates", in[0].rank(), in[0].rank()));
  }
  const auto indices = in[1].shape(), updates = in[2].shape();
  if (indices && updates && *indices != *updates)
    return Error::invalid_model("the indices have the shape {}, the updates {}", *indices, *updates);
  return out;
}

Result<Tensors> ScatterElements::eval(std::span<const Tensor> in) const {
  TRY(infer(facts_of(in)));
  const Shape &x = in[0].shape(), &shape = in[1].shape();
  const int along = *normal_axis(axis, x.rank());
  for (int i = 0; i < x.rank(); ++i)
    if (i != along && shape[i] > x[i])
      return Error::invalid_argument("the indices have {} along axis {}, the input {}", shape[i], i, x[i]);
  TRY(const auto indices, checked_indices(in[1], x[along]));
  Shape strides = x.strides();
  const int64_t step = strides[along];
  strides[along] = 0;
  std::vector<int64_t> places;
  places.reserve(indices.size());
  walk<1>(shape, {strides}, [&](int64_t base) { places.push_back(base + indices[places.size()] * step); });
  return scatter(in, reduction, static_cast<int64_t>(places.size()), 1,
                 [&](int64_t i) -> Result<int64_t> { return places[static_cast<size_t>(i)]; });
}

Result<Facts> ScatterND::infer(std::span<const Fact> in) const {
  TRY(Facts out, infer_scatter(in, reduction));
  TRY(expect_rank(in[1], "the indices", 1, kMaxRank));
  const auto x = in[0].shape(), indices = in[1].shape(), updates = in[2].shape();
  if (!x || !indices || !updates) return out;
  const int64_t columns = indices->back();
  if (columns < 1 || columns > x->rank())
    return Error::invalid_model("the indices have {} columns for an input of rank {}", columns, x->rank());
  Dims wanted(indices->begin(), indices->end() - 1);
  wanted.insert(wanted.end(), x->begin() + columns, x->end());
  if (wanted != *in[2].dims)
    return Error::invalid_model("the updates have the shape {}, expected {}", *updates, join(wanted, "x"));
  return out;
}

Result<Tensors> ScatterND::eval(std::span<const Tensor> in) const {
  TRY(infer(facts_of(in)));
  const Shape &x = in[0].shape(), &shape = in[1].shape();
  const int columns = static_cast<int>(shape.back());
  const Shape strides = x.strides();
  const auto indices = to_int64s(in[1]);
  return scatter(in, reduction, shape.product(0, shape.rank() - 1), x.product(columns, x.rank()),
                 [&](int64_t i) -> Result<int64_t> {
                   int64_t at = 0;
                   for (int k = 0; k < columns; ++k) {
                     const int64_t given = indices[static_cast<size_t>(i * columns + k)];
                     const auto index = normal_index(given, x[k]);
                     if (!index)
                       return Error::invalid_argument("index {} is outside [{}, {})", given, -x[k], x[k]);
                     at += *index * strides[k];
                   }
                   return at;
                 });
}

}  // namespace pochade

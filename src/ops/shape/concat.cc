#include "ops/shape/concat.h"

namespace pochade {

StridedMove place_along(int axis, int64_t offset, const Shape& part, const Shape& whole) {
  StridedMove out;
  out.dims = part;
  out.x_strides = part.strides();
  out.y_strides = whole.strides();
  out.y_offset = offset * out.y_strides[axis];
  return out;
}

Result<Facts> Concat::infer(std::span<const Fact> in) const {
  if (in.empty()) return Error::invalid_model("has no inputs, expected one or more");
  const Fact* ranked = nullptr;
  for (const Fact& fact : in) {
    if (!fact.present()) return Error::invalid_model("an input is missing");
    if (fact.dtype != in[0].dtype)
      return Error::invalid_model("the inputs are {} and {}, expected the same", to_string(*in[0].dtype),
                                  to_string(*fact.dtype));
    if (!fact.rank_known()) continue;
    if (ranked != nullptr && ranked->rank() != fact.rank())
      return Error::invalid_model("the inputs have ranks {} and {}, expected the same", ranked->rank(),
                                  fact.rank());
    ranked = &fact;
  }
  if (ranked == nullptr) return Facts{moved(in[0], std::nullopt)};
  TRY(const int along, checked_axis(axis, ranked->rank()));
  Dims dims(ranked->dims->size());
  int64_t total = 0;
  bool total_known = true;
  for (const Fact& fact : in) {
    if (!fact.rank_known()) {
      total_known = false;
      continue;
    }
    for (int i = 0; i < fact.rank(); ++i) {
      const Dim& size = fact.dim(i);
      Dim& to = dims[static_cast<size_t>(i)];
      if (i == along) {
        const auto sum = size.is_number() ? checked_add(total, size.number()) : std::nullopt;
        if (size.is_number() && !sum) return Error::invalid_model("the output is too large");
        total_known = total_known && sum;
        if (sum) total = *sum;
      } else if (!to.is_number() && (size.is_number() || !to.is_named())) {
        to = size;
      } else if (to.is_number() && size.is_number() && to != size) {
        return Error::invalid_model("the inputs {} and {} do not fit along axis {}", *ranked, fact, i);
      }
    }
  }
  dims[static_cast<size_t>(along)] = total_known ? Dim(total) : in.size() == 1 ? ranked->dim(along) : Dim();
  Fact out = moved(in[0], std::move(dims));
  for (const Fact& fact : in)  // one scale for all, or none
    if (out.quantization && !(fact.quantization && *fact.quantization == *out.quantization))
      out.quantization = nullptr;
  return Facts{std::move(out)};
}

Result<Tensors> Concat::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const int along = checked_axis(axis, out[0].rank()).value();
  int64_t offset = 0;
  for (const Tensor& x : in) {
    move_elements(x, out[0], place_along(along, offset, x.shape(), out[0].shape()));
    offset += x.shape()[along];
  }
  return out;
}

Result<Facts> Split::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 2));
  constexpr int64_t kMostOutputs = 65536;
  if (outputs < 1 || outputs > kMostOutputs) return Error::invalid_model("{} outputs", outputs);
  Facts out(static_cast<size_t>(outputs), moved(in[0], in[0].dims));
  if (!in[0].rank_known()) return out;
  TRY(const int along, checked_axis(axis, in[0].rank()));
  const Dim& size = in[0].dim(along);
  const auto set = [&](size_t i, Dim dim) { (*out[i].dims)[static_cast<size_t>(along)] = std::move(dim); };
  if (in.size() > 1 && in[1].present()) {
    const auto sizes = constant_ints(in[1]);
    if (sizes && static_cast<int64_t>(sizes->size()) != outputs)
      return Error::invalid_model("split has {} sizes for {} outputs", sizes->size(), outputs);
    int64_t total = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      if (!sizes) {
        set(i, Dim());
        continue;
      }
      const auto sum = checked_add(total, (*sizes)[i]);
      if ((*sizes)[i] < 0 || !sum) return Error::invalid_model("split has a size of {}", (*sizes)[i]);
      total = *sum;
      set(i, (*sizes)[i]);
    }
    if (sizes && size.is_number() && total != size.number())
      return Error::invalid_model("the sizes of split add up to {}, expected {}", total, size.number());
    return out;
  }
  if (!size.is_number()) {
    if (outputs > 1)
      for (size_t i = 0; i < out.size(); ++i) set(i, Dim());
    return out;
  }
  const int64_t piece = size.number() / outputs + (size.number() % outputs != 0);
  int64_t left = size.number();
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t mine = std::min(piece, left);
    set(i, mine);
    left -= mine;
  }
  return out;
}

Result<Tensors> Split::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const int along = checked_axis(axis, in[0].rank()).value();
  int64_t offset = 0;
  for (Tensor& y : out) {
    StridedMove move = place_along(along, offset, y.shape(), in[0].shape());
    std::swap(move.x_strides, move.y_strides);
    std::swap(move.x_offset, move.y_offset);
    move_elements(in[0], y, move);
    offset += y.shape()[along];
  }
  return out;
}

}  // namespace pochade

#include "ops/shape/pad.h"

#include <algorithm>
#include <cstring>

namespace pochade {

std::string_view to_string(PadFill fill) {
  switch (fill) {
    case PadFill::kConstant:
      return "constant";
    case PadFill::kReflect:
      return "reflect";
    case PadFill::kEdge:
      return "edge";
    case PadFill::kWrap:
      return "wrap";
  }
  return "";
}

Result<std::optional<PadSizes>> pad_sizes(std::span<const Fact> in, int rank) {
  const auto pads = constant_ints(in[1]);
  const bool named = in.size() > 3 && in[3].present();
  const auto axes = named ? constant_ints(in[3]) : std::nullopt;
  if (!pads || (named && !axes)) return std::optional<PadSizes>();
  std::vector<int> normal;
  if (named) {
    TRY(normal, checked_axes(*axes, rank));
  } else {
    for (int axis = 0; axis < rank; ++axis) normal.push_back(axis);
  }
  if (pads->size() != 2 * normal.size())
    return Error::invalid_model("pads has {} values, expected {}", pads->size(), 2 * normal.size());
  PadSizes out{std::vector<int64_t>(static_cast<size_t>(rank)),
               std::vector<int64_t>(static_cast<size_t>(rank))};
  for (size_t i = 0; i < normal.size(); ++i) {
    out.begin[static_cast<size_t>(normal[i])] = (*pads)[i];
    out.end[static_cast<size_t>(normal[i])] = (*pads)[normal.size() + i];
  }
  return std::optional(std::move(out));
}

Result<Facts> Pad::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 4));
  TRY(expect_dtype(in[1], "pads", {DType::kI64, DType::kI32}));
  if (in.size() > 2 && in[2].present()) {
    if (in[2].dtype != in[0].dtype)
      return Error::invalid_model("the value is {}, the input {}", to_string(*in[2].dtype),
                                  to_string(*in[0].dtype));
    if (const auto shape = in[2].shape(); shape && shape->elements() != 1)
      return Error::invalid_model("the value has the shape {}, expected a scalar", *shape);
  }
  if (!in[0].rank_known()) return Facts{moved(in[0], std::nullopt)};
  TRY(const auto sizes, pad_sizes(in, in[0].rank()));
  if (!sizes) return Facts{moved(in[0], Dims(in[0].dims->size()))};
  Dims dims = *in[0].dims;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const int64_t begin = sizes->begin[axis], end = sizes->end[axis];
    if (begin == 0 && end == 0) continue;
    if (!dims[axis].is_number()) {
      dims[axis] = Dim();
      continue;
    }
    const int64_t size = dims[axis].number();
    const auto some = checked_add(size, begin);
    const auto all = some ? checked_add(*some, end) : std::nullopt;
    if (!all || *all < 0) return Error::invalid_model("pads of {} and {} on a size of {}", begin, end, size);
    const auto cut = checked_add(std::min<int64_t>(begin, 0), std::min<int64_t>(end, 0));
    if (mode != PadFill::kConstant && *all > 0 && (!cut || size + *cut <= 0))
      return Error::invalid_model("axis {} has nothing to fill its pads from", axis);
    dims[axis] = *all;
  }
  return Facts{moved(in[0], std::move(dims))};
}

std::vector<int64_t> pad_sources(PadFill mode, int64_t size, int64_t begin, int64_t end) {
  const int64_t skipped = std::max<int64_t>(-begin, 0);  // cut first
  const int64_t kept = size - skipped - std::max<int64_t>(-end, 0);
  const int64_t before = std::max<int64_t>(begin, 0);
  std::vector<int64_t> out(static_cast<size_t>(size + begin + end));
  for (size_t i = 0; i < out.size(); ++i) {
    int64_t at = static_cast<int64_t>(i) - before;
    if (at < 0 || at >= kept) {
      switch (mode) {
        case PadFill::kConstant:
          at = -1;
          break;
        case PadFill::kEdge:
          at = std::clamp<int64_t>(at, 0, kept - 1);
          break;
        case PadFill::kWrap:
          at = (at % kept + kept) % kept;
          break;
        case PadFill::kReflect: {
          const int64_t period = std::max<int64_t>(2 * (kept - 1), 1);
          at = (at % period + period) % period;
          if (at >= kept) at = period - at;
          break;
        }
      }
    }
    out[i] = at < 0 ? -1 : at + skipped;
  }
  return out;
}

Result<Tensors> Pad::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape &x = in[0].shape(), &y = out[0].shape();
  TRY(const auto sizes, pad_sizes(facts_of(in), x.rank()));
  std::vector<std::vector<int64_t>> sources;
  for (int axis = 0; axis < x.rank(); ++axis)
    sources.push_back(pad_sources(mode, x[axis], sizes->begin[static_cast<size_t>(axis)],
                                  sizes->end[static_cast<size_t>(axis)]));
  const size_t size = size_of(in[0].dtype());
  const std::array<std::byte, 8> zero{};
  const std::byte* value = in.size() > 2 && in[2].defined() ? in[2].bytes() : zero.data();
  const Shape strides = x.strides();
  std::array<size_t, kMaxRank> index{};
  for (int64_t i = 0; i < y.elements(); ++i) {
    int64_t from = 0;
    for (int axis = 0; axis < y.rank() && from >= 0; ++axis) {
      const int64_t source = sources[static_cast<size_t>(axis)][index[static_cast<size_t>(axis)]];
      from = source < 0 ? -1 : from + source * strides[axis];
    }
    std::memcpy(out[0].mutable_bytes() + static_cast<size_t>(i) * size,
                from < 0 ? value : in[0].bytes() + static_cast<size_t>(from) * size, size);
    for (int axis = y.rank() - 1; axis >= 0; --axis) {
      if (static_cast<int64_t>(++index[static_cast<size_t>(axis)]) < y[axis]) break;
      index[static_cast<size_t>(axis)] = 0;
    }
  }
  return out;
}

}  // namespace pochade

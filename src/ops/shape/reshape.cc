#include "ops/shape/reshape.h"

#include <algorithm>

#include "ops/eval.h"

namespace pochade {
namespace {

/// Eval of all four: infer() knows the shape once the inputs are there.
Result<Tensors> reshaped(const Op& op, std::span<const Tensor> in) {
  TRY(const Facts out, op.infer(facts_of(in)));
  const auto shape = out[0].shape();
  if (!shape) return Error::not_supported("the output has more than {} dimensions", kMaxRank);
  return Tensors{in[0].reshaped(*shape)};
}

/// What is left for -1: the product of `from` divided by that of `to` (without the -1). Sizes that are not
/// numbers cancel when they stand on both sides; otherwise the result is unknown.
Result<Dim> remaining(const Dims& from, const Dims& to, size_t hole) {
  int64_t numerator = 1, denominator = 1;
  Dims symbols;
  for (const Dim& dim : from) {
    if (!dim.is_number())
      symbols.push_back(dim);
    else if (const auto product = checked_mul(numerator, dim.number()))
      numerator = *product;
    else
      return Error::invalid_model("the input is too large");
  }
  for (size_t i = 0; i < to.size(); ++i) {
    if (i == hole) continue;
    if (to[i].is_number()) {
      const auto product = checked_mul(denominator, to[i].number());
      if (!product) return Error::invalid_model("the shape is too large");
      denominator = *product;
    } else {
      const auto same = std::find(symbols.begin(), symbols.end(), to[i]);
      if (same == symbols.end() || !to[i].is_named()) return Dim();
      symbols.erase(same);
    }
  }
  if (denominator == 0) {
    if (symbols.empty() && numerator != 0)
      return Error::invalid_model("{} elements cannot be divided by 0", numerator);
    return symbols.empty() ? Dim(0) : Dim();
  }
  if (symbols.empty()) {
    if (numerator % denominator != 0)
      return Error::invalid_model("{} elements cannot be divided by {}", numerator, denominator);
    return Dim(numerator / denominator);
  }
  return symbols.size() == 1 && numerator == denominator && symbols[0].is_named() ? symbols[0] : Dim();
}

}  // namespace

Result<Facts> Reshape::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[1], "the shape", {DType::kI64}));
  TRY(expect_rank(in[1], "the shape", 1, 1));
  const auto wanted = constant_ints(in[1]);
  if (!wanted) {
    if (!in[1].rank_known() || !in[1].dim(0).is_number()) return Facts{moved(in[0], std::nullopt)};
    if (in[1].dim(0).number() > kMaxRank)
      return Error::not_supported("a shape of {} dimensions", in[1].dim(0).number());
    return Facts{moved(in[0], Dims(static_cast<size_t>(in[1].dim(0).number())))};
  }
  if (wanted->size() > kMaxRank)
    return Error::not_supported("a shape of {} dimensions, at most {}", wanted->size(), kMaxRank);
  Dims dims;
  std::optional<size_t> hole;
  for (size_t i = 0; i < wanted->size(); ++i) {
    const int64_t size = (*wanted)[i];
    if (size < -1) return Error::invalid_model("the shape has a size of {}", size);
    if (size == -1) {
      if (hole) return Error::invalid_model("the shape has two sizes of -1");
      hole = i;
      dims.emplace_back();
    } else if (size == 0 && !allow_zero) {
      if (!in[0].rank_known()) {
        dims.emplace_back();
        continue;
      }
      if (static_cast<int>(i) >= in[0].rank())
        return Error::invalid_model("the shape copies axis {} of {}", i, in[0]);
      dims.push_back(in[0].dim(static_cast<int>(i)));
    } else {
      dims.emplace_back(size);
    }
  }
  if (hole && allow_zero && std::find(wanted->begin(), wanted->end(), 0) != wanted->end())
    return Error::invalid_model("the shape has a -1 beside a size of 0");
  if (hole && in[0].rank_known()) {
    TRY(dims[*hole], remaining(*in[0].dims, dims, *hole));
  }
  const auto before = in[0].shape(), after = Fact(*in[0].dtype, dims).shape();
  if (before && after && before->checked_elements() != after->checked_elements())
    return Error::invalid_model("cannot reshape {} to {}", *before, *after);
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> Reshape::eval(std::span<const Tensor> in) const {
  return reshaped(*this, in);
}

Result<Facts> Flatten::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  if (!in[0].rank_known()) return Facts{moved(in[0], Dims(2))};
  const int rank = in[0].rank();
  if (axis < -rank || axis > rank)
    return Error::invalid_model("axis {} is outside [{}, {}]", axis, -rank, rank);
  const int split = static_cast<int>(axis < 0 ? axis + rank : axis);
  const auto product = [&](int begin, int end) -> Result<Dim> {
    Dims part(in[0].dims->begin() + begin, in[0].dims->begin() + end);
    return remaining(part, {Dim()}, 0);
  };
  TRY(const Dim rows, product(0, split));
  TRY(const Dim columns, product(split, rank));
  return Facts{moved(in[0], Dims{rows, columns})};
}

Result<Tensors> Flatten::eval(std::span<const Tensor> in) const {
  return reshaped(*this, in);
}

namespace {

/// How many axes are named, or 0 if not even that is known.
int64_t count_of(const Fact& axes) {
  if (!axes.rank_known() || axes.rank() > 1) return 0;
  return axes.rank() == 0 ? 1 : axes.dim(0).is_number() ? axes.dim(0).number() : 0;
}

/// So many unknown dims more (or less) than `rank`: what is known when axes are computed. None if none are
/// named.
std::optional<Dims> unknown_dims(int rank, int64_t more) {
  if (more == 0 || rank + more < 0 || rank + more > kMaxRank) return std::nullopt;
  return Dims(static_cast<size_t>(rank + more));
}

}  // namespace

Result<Facts> Squeeze::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 2));
  const bool named = in.size() > 1 && in[1].present();
  const auto axes = named ? constant_ints(in[1]) : std::nullopt;
  if (!in[0].rank_known()) return Facts{moved(in[0], std::nullopt)};
  if (named && !axes) return Facts{moved(in[0], unknown_dims(in[0].rank(), -count_of(in[1])))};
  std::vector<bool> dropped(in[0].dims->size(), false);
  if (named) {
    TRY(const auto normal, checked_axes(*axes, in[0].rank()));
    for (const int axis : normal) {
      if (in[0].dim(axis).is_number() && !in[0].dim(axis).is(1))
        return Error::invalid_model("axis {} of {} cannot be dropped", axis, in[0]);
      dropped[static_cast<size_t>(axis)] = true;
    }
  } else {
    for (size_t i = 0; i < dropped.size(); ++i) {
      if (!(*in[0].dims)[i].is_number()) return Facts{moved(in[0], std::nullopt)};
      dropped[i] = (*in[0].dims)[i].is(1);
    }
  }
  Dims dims;
  for (size_t i = 0; i < dropped.size(); ++i)
    if (!dropped[i]) dims.push_back((*in[0].dims)[i]);
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> Squeeze::eval(std::span<const Tensor> in) const {
  return reshaped(*this, in);
}

Result<Facts> Unsqueeze::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  const auto axes = constant_ints(in[1]);
  if (!in[0].rank_known()) return Facts{moved(in[0], std::nullopt)};
  if (!axes) return Facts{moved(in[0], unknown_dims(in[0].rank(), count_of(in[1])))};
  const size_t rank = in[0].dims->size() + axes->size();
  if (rank > kMaxRank)
    return Error::not_supported("the output has {} dimensions, at most {}", rank, kMaxRank);
  TRY(const auto normal, checked_axes(*axes, static_cast<int>(rank)));
  Dims dims;
  auto next = in[0].dims->begin();
  for (int axis = 0; axis < static_cast<int>(rank); ++axis)
    dims.push_back(std::find(normal.begin(), normal.end(), axis) != normal.end() ? Dim(1) : *next++);
  return Facts{moved(in[0], std::move(dims))};
}

Result<Tensors> Unsqueeze::eval(std::span<const Tensor> in) const {
  return reshaped(*this, in);
}

}  // namespace pochade

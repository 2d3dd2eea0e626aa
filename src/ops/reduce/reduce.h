#pragma once
// One value from all elements along some axes.  x, axes (int64, optional: all, or none with
// noop_with_empty_axes).

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

enum class ReduceKind { kSum, kMean, kMax, kMin, kProd, kL1, kL2, kLogSum, kLogSumExp, kSumSquare };

/// What all reductions have: dynamic_cast<const ReduceFields*>(&op) tells whether an operator is one.
struct ReduceFields {
  bool keep_dims = true;              ///< the axes stay, with size 1
  bool noop_with_empty_axes = false;  ///< no axes: y = x
};

/// Which axes go, ascending; empty if the axes input is not constant.
Result<std::optional<std::vector<int>>> reduced_axes(const ReduceFields& fields, std::span<const Fact> in);

Result<Facts> infer_reduce(ReduceKind kind, const ReduceFields& fields, std::span<const Fact> in);
Result<Tensors> eval_reduce(ReduceKind kind, const ReduceFields& fields, std::span<const Tensor> in,
                            Tensors out);

template <typename K>
struct ReduceOp final : OpOf<ReduceOp<K>>, ReduceFields {
  static constexpr std::string_view kName = K::kName;
  static constexpr ReduceKind kKind = K::kKind;
  static void fields(auto& self, auto&& f) {
    f("keep_dims", self.keep_dims);
    f("noop_with_empty_axes", self.noop_with_empty_axes);
  }
  Result<Facts> infer(std::span<const Fact> in) const override { return infer_reduce(kKind, *this, in); }
  Result<Tensors> eval(std::span<const Tensor> in) const override {
    TRY(Tensors out, make_outputs(*this, in));
    return eval_reduce(kKind, *this, in, std::move(out));
  }
};

struct ReduceSumKind {
  static constexpr std::string_view kName = "ReduceSum";
  static constexpr ReduceKind kKind = ReduceKind::kSum;
};
using ReduceSum = ReduceOp<ReduceSumKind>;

/// Of nothing: NaN.
struct ReduceMeanKind {
  static constexpr std::string_view kName = "ReduceMean";
  static constexpr ReduceKind kKind = ReduceKind::kMean;
};
using ReduceMean = ReduceOp<ReduceMeanKind>;

/// Of nothing: -inf, or the least integer.
struct ReduceMaxKind {
  static constexpr std::string_view kName = "ReduceMax";
  static constexpr ReduceKind kKind = ReduceKind::kMax;
};
using ReduceMax = ReduceOp<ReduceMaxKind>;

/// Of nothing: +inf, or the greatest integer.
struct ReduceMinKind {
  static constexpr std::string_view kName = "ReduceMin";
  static constexpr ReduceKind kKind = ReduceKind::kMin;
};
using ReduceMin = ReduceOp<ReduceMinKind>;

struct ReduceProdKind {
  static constexpr std::string_view kName = "ReduceProd";
  static constexpr ReduceKind kKind = ReduceKind::kProd;
};
using ReduceProd = ReduceOp<ReduceProdKind>;

/// sum |x|
struct ReduceL1Kind {
  static constexpr std::string_view kName = "ReduceL1";
  static constexpr ReduceKind kKind = ReduceKind::kL1;
};
using ReduceL1 = ReduceOp<ReduceL1Kind>;

/// sqrt(sum x^2)
struct ReduceL2Kind {
  static constexpr std::string_view kName = "ReduceL2";
  static constexpr ReduceKind kKind = ReduceKind::kL2;
};
using ReduceL2 = ReduceOp<ReduceL2Kind>;

/// log(sum x)
struct ReduceLogSumKind {
  static constexpr std::string_view kName = "ReduceLogSum";
  static constexpr ReduceKind kKind = ReduceKind::kLogSum;
};
using ReduceLogSum = ReduceOp<ReduceLogSumKind>;

/// log(sum exp(x)), without overflow
struct ReduceLogSumExpKind {
  static constexpr std::string_view kName = "ReduceLogSumExp";
  static constexpr ReduceKind kKind = ReduceKind::kLogSumExp;
};
using ReduceLogSumExp = ReduceOp<ReduceLogSumExpKind>;

/// sum x^2
struct ReduceSumSquareKind {
  static constexpr std::string_view kName = "ReduceSumSquare";
  static constexpr ReduceKind kKind = ReduceKind::kSumSquare;
};
using ReduceSumSquare = ReduceOp<ReduceSumSquareKind>;

}  // namespace pochade

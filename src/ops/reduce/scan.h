#pragma once
// Along one axis: where the largest is, and running sums.

#include "graph/op.h"
#include "ops/eval.h"

namespace pochade {

/// What ArgMax and ArgMin have.
struct ArgFields {
  int64_t axis = 0;
  bool keep_dims = true;
  bool select_last_index = false;  ///< of equal ones the last, else the first
};

Result<Facts> infer_arg(const ArgFields& fields, std::span<const Fact> in);
Result<Tensors> eval_arg(const ArgFields& fields, bool largest, std::span<const Tensor> in, Tensors out);

template <typename K>
struct ArgOp final : OpOf<ArgOp<K>>, ArgFields {
  static constexpr std::string_view kName = K::kName;
  static void fields(auto& self, auto&& f) {
    f("axis", self.axis);
    f("keep_dims", self.keep_dims);
    f("select_last_index", self.select_last_index);
  }
  Result<Facts> infer(std::span<const Fact> in) const override { return infer_arg(*this, in); }
  Result<Tensors> eval(std::span<const Tensor> in) const override {
    TRY(Tensors out, make_outputs(*this, in));
    return eval_arg(*this, K::kLargest, in, std::move(out));
  }
};

struct ArgMaxKind {
  static constexpr std::string_view kName = "ArgMax";
  static constexpr bool kLargest = true;
};
/// int64: the index of the largest element along an axis.
using ArgMax = ArgOp<ArgMaxKind>;

struct ArgMinKind {
  static constexpr std::string_view kName = "ArgMin";
  static constexpr bool kLargest = false;
};
/// int64: the index of the smallest element along an axis.
using ArgMin = ArgOp<ArgMinKind>;

/// x, axis (int32 or int64 scalar): sums of the elements up to and with (exclusive: without) each one;
/// reverse: from it on.
struct CumSum final : OpOf<CumSum> {
  static constexpr std::string_view kName = "CumSum";
  bool exclusive = false;
  bool reverse = false;
  static void fields(auto& self, auto&& f) {
    f("exclusive", self.exclusive);
    f("reverse", self.reverse);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};

}  // namespace pochade

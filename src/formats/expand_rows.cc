#include "formats/expand_rows.h"

#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/unary.h"
#include "ops/elementwise/variadic.h"
#include "ops/reduce/reduce.h"

namespace pochade {
namespace {

class Rows {
 public:
  Rows(GraphCopy& copy, const Node& node) : copy_(copy), name_(node.name) {}

  Status run(const Node& node, const QuantizeRows& op) {
    const ValueId x = copy_.now(node.inputs)[0];
    TRY(find_range(x));
    TRY(op.symmetric ? find_symmetric() : find_asymmetric());
    TRY(ValueId level, add("levels", Mul{}, {x, inverse_}));
    if (zero_point_ != kNone) {
      TRY(level, add("moved", Add{}, {zero_point_, level}));
    }
    TRY(level, rounded("rounded", level));
    TRY(level,
        add("clipped", Clip{}, {level, number("bottom", op.symmetric ? -127 : -128), number("top", 127)}));
    if (zero_point_ != kNone) {
      TRY(level, add("from_zero", Sub{}, {level, zero_point_}));
    }
    copy_.set(node.outputs[0], level);
    copy_.set(node.outputs[1], scale_);
    return {};
  }

 private:
  template <typename D>
  Result<ValueId> add(const char* what, D op, std::vector<ValueId> inputs) {
    return copy_.add(format("{}/{}", name_, what), make_op(std::move(op)), std::move(inputs));
  }
  Result<ValueId> cast(const char* what, ValueId x, DType dtype) {
    Cast op;
    op.to = dtype;
    return add(what, op, {x});
  }
  ValueId number(const char* what, double value, DType dtype = DType::kF32) {
    return copy_.constant(format("{}/{}", name_, what), Tensor::scalar<double>(value).cast(dtype).value());
  }

  /// Halves away from zero: sign(x) * floor(|x| + 1/2).
  Result<ValueId> rounded(const char* what, ValueId x) {
    TRY(const ValueId size, add("size", Abs{}, {x}));
    TRY(const ValueId more, add("more", Add{}, {size, number("half", 0.5, *copy_.graph().fact(x).dtype)}));
    TRY(const ValueId whole, add("whole", Floor{}, {more}));
    TRY(const ValueId sign, add("sign", Sign{}, {x}));
    return add(what, Mul{}, {sign, whole});
  }

  /// The least and the greatest value of each row, and 0.
  Status find_range(ValueId x) {
    const Fact& fact = copy_.graph().fact(x);
    if (!fact.rank_known()) return Error::not_supported("the rank of its input is not known");
    std::vector<int64_t> axes;
    for (int axis = 1; axis < fact.rank(); ++axis) axes.push_back(axis);
    const ValueId list =
        copy_.constant(name_ + "/axes", Tensor::of<int64_t>({static_cast<int64_t>(axes.size())}, axes));
    ReduceMin least;
    ReduceMax most;
    least.noop_with_empty_axes = most.noop_with_empty_axes = true;  // rows of one number
    const ValueId zero = number("zero", 0);
    TRY(low_, add("least", least, {x, list}));
    TRY(high_, add("most", most, {x, list}));
    TRY(low_, add("low", Min{}, {low_, zero}));
    TRY(high_, add("high", Max{}, {high_, zero}));
    return {};
  }

  /// scale = largest / 127; 1 for a row of zeros.
  Status find_symmetric() {
    TRY(const ValueId minus, add("minus", Neg{}, {low_}));
    TRY(const ValueId largest, add("largest", Max{}, {minus, high_}));
    TRY(const ValueId is_zero, add("is_zero", Equal{}, {largest, number("none", 0)}));
    const ValueId steps = number("steps", 127);
    TRY(const ValueId safe, add("safe", Where{}, {is_zero, steps, largest}));
    TRY(scale_, add("scale", Div{}, {safe, steps}));
    TRY(inverse_, add("inverse", Div{}, {steps, safe}));
    return {};
  }

  /// scale = (high - low) / 255, in double; the zero point comes from the end whose rounding it disturbs
  /// less.
  Status find_asymmetric() {
    constexpr DType kWide = DType::kF64;
    TRY(const ValueId low, cast("wide_low", low_, kWide));
    TRY(const ValueId high, cast("wide_high", high_, kWide));
    TRY(const ValueId range, add("range", Sub{}, {high, low}));
    TRY(const ValueId is_zero, add("is_zero", Equal{}, {range, number("none", 0, kWide)}));
    TRY(const ValueId step, add("step", Div{}, {range, number("steps", 255, kWide)}));
    TRY(const ValueId safe, add("safe", Where{}, {is_zero, number("unit", 1, kWide), step}));
    TRY(scale_, cast("scale", safe, DType::kF32));
    TRY(inverse_, add("inverse", Div{}, {number("one", 1), scale_}));
    TRY(const ValueId below, add("below", Div{}, {low, safe}));
    TRY(const ValueId above, add("above", Div{}, {high, safe}));
    // 128 + |low / scale| < 127 + |high / scale|, where low <= 0 <= high
    TRY(const ValueId low_error, add("low_error", Sub{}, {number("128", 128, kWide), below}));
    TRY(const ValueId high_error, add("high_error", Add{}, {number("127", 127, kWide), above}));
    TRY(const ValueId by_low, add("by_low", Less{}, {low_error, high_error}));
    TRY(const ValueId from_low, add("from_low", Sub{}, {number("least_level", -128, kWide), below}));
    TRY(const ValueId from_high, add("from_high", Sub{}, {number("most_level", 127, kWide), above}));
    TRY(const ValueId place, add("place", Where{}, {by_low, from_low, from_high}));
    TRY(const ValueId whole, rounded("whole_place", place));
    TRY(const ValueId inside,
        add("inside", Clip{}, {whole, number("bottom_place", -128, kWide), number("top_place", 127, kWide)}));
    TRY(zero_point_, cast("zero_point", inside, DType::kF32));
    return {};
  }

  GraphCopy& copy_;
  const std::string& name_;
  ValueId low_ = kNone, high_ = kNone, scale_ = kNone, inverse_ = kNone, zero_point_ = kNone;
};

}  // namespace

Status expand_quantize_rows(GraphCopy& copy, const Node& node, const QuantizeRows& op) {
  return Rows(copy, node).run(node, op);
}

}  // namespace pochade

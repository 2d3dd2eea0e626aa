// Cutting and joining.

#include <algorithm>

#include "formats/tensorflow/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/shape/concat.h"
#include "ops/shape/slice.h"

namespace pochade::tensorflow {
namespace {

using Piece = NodeScope::Piece;

/// One axis of a StridedSlice.
struct Range {
  int64_t axis = 0;
  Piece begin, end;
  int64_t step = 1;
  bool is_whole() const {
    return step == 1 && begin.dynamic == kNone && begin.number == 0 && end.dynamic == kNone &&
           end.number == INT64_MAX;
  }
};

/// What a StridedSlice means: ranges of axes, then axes that go, then axes that come.
struct StridedSpec {
  std::vector<Range> ranges;
  std::vector<int64_t> squeezed;    ///< axes of the input
  std::vector<int64_t> unsqueezed;  ///< axes of the output
};

/// Element i of the input `which`: known, or a piece to be computed.
Result<Piece> bound(NodeScope& node, ValueId vector, size_t i) {
  if (const auto part = node.integers_of(vector))
    if (const auto& known = part->at(i)) return Piece{*known, kNone};
  TRY(const ValueId wide, node.as_int64(vector));
  TRY(const ValueId element, node.element(wide, static_cast<int64_t>(i)));
  return Piece{0, element};
}

/// One behind `begin`, where -1 is the last element.
Result<Piece> behind(NodeScope& node, const Piece& begin) {
  if (begin.dynamic == kNone) return Piece{begin.number == -1 ? INT64_MAX : begin.number + 1, kNone};
  const auto vector = [&](int64_t value) { return node.constant(std::vector<int64_t>{value}); };
  TRY(const ValueId next, node.add(Add{}, {begin.dynamic, vector(1)}));
  TRY(const ValueId is_last, node.add(Equal{}, {next, vector(0)}));
  TRY(const ValueId end, node.add(Where{}, {is_last, vector(INT64_MAX), next}));
  return Piece{0, end};
}

struct Masks {
  int64_t begin = 0, end = 0, ellipsis = 0, new_axis = 0, shrink = 0;
};

Result<Range> range_of(NodeScope& node, size_t i, int64_t axis, int64_t step, const Masks& masks) {
  const auto is_set = [i](int64_t mask) { return (mask >> i & 1) != 0; };
  TRY(const ValueId begins, node.input(1));
  TRY(const ValueId ends, node.input(2));
  Range out{axis, {}, {}, step};
  if (is_set(masks.shrink)) {
    out.step = 1;
    TRY(out.begin, bound(node, begins, i));
    TRY(out.end, behind(node, out.begin));
    return out;
  }
  if (step == 0) return Error::invalid_model("a stride is 0");
  if (is_set(masks.begin)) {
    out.begin.number = step > 0 ? 0 : INT64_MAX;
  } else {
    TRY(out.begin, bound(node, begins, i));
  }
  if (is_set(masks.end)) {
    out.end.number = step > 0 ? INT64_MAX : INT64_MIN;
  } else {
    TRY(out.end, bound(node, ends, i));
  }
  return out;
}

Result<StridedSpec> strided_spec(NodeScope& node, const std::vector<int64_t>& steps, const Masks& masks) {
  const auto is_set = [](int64_t mask, size_t i) { return (mask >> i & 1) != 0; };
  int64_t consumed = 0;
  for (size_t i = 0; i < steps.size(); ++i)
    consumed += !is_set(masks.ellipsis, i) && !is_set(masks.new_axis, i);
  StridedSpec out;
  int64_t axis = 0, position = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (is_set(masks.ellipsis, i)) {
      TRY(const int rank, node.rank(0));
      const int64_t skipped = rank - consumed;
      if (skipped < 0)
        return Error::invalid_model("{} axes are sliced, the input has rank {}", consumed, rank);
      axis += skipped;
      position += skipped;
    } else if (is_set(masks.new_axis, i)) {
      out.unsqueezed.push_back(position++);
    } else {
      TRY(const Range range, range_of(node, i, axis, steps[i], masks));
      if (!range.is_whole()) out.ranges.push_back(range);
      if (is_set(masks.shrink, i)) {
        out.squeezed.push_back(axis);
      } else {
        ++position;
      }
      ++axis;
    }
  }
  return out;
}

/// The integers that a slice of a vector of partly known integers takes.
std::optional<PartInts> sliced(const PartInts& x, const StridedSpec& spec) {
  if (spec.ranges.size() > 1 || !spec.unsqueezed.empty()) return std::nullopt;
  if (spec.ranges.empty()) return x;
  const Range& range = spec.ranges[0];
  if (range.begin.dynamic != kNone || range.end.dynamic != kNone || range.axis != 0) return std::nullopt;
  const auto n = static_cast<int64_t>(x.size());
  const auto place = [n, &range](int64_t i) {
    if (i < 0) i = i < -n ? -1 : i + n;
    return range.step > 0 ? std::clamp<int64_t>(i, 0, n) : std::clamp<int64_t>(i, -1, n - 1);
  };
  PartInts out;
  const int64_t begin = place(range.begin.number),
                end = range.end.number == INT64_MIN ? -1 : place(range.end.number);
  for (int64_t i = begin; range.step > 0 ? i < end : i > end; i += range.step)
    out.push_back(x[static_cast<size_t>(i)]);
  return out;
}

/// A constant vector, or scalar, of integers that are all known; else kNone.
Result<ValueId> known_integers(NodeScope& node, const PartInts& part, bool is_scalar, DType dtype) {
  std::vector<int64_t> values;
  for (const auto& value : part)
    if (value) values.push_back(*value);
  if (values.size() != part.size() || (is_scalar && values.size() != 1)) return kNone;
  const ValueId wide = is_scalar ? node.scalar(values[0]) : node.constant(values);
  return node.cast(wide, dtype);
}

Result<ValueId> take_ranges(NodeScope& node, ValueId x, const std::vector<Range>& ranges) {
  if (ranges.empty()) return x;
  std::vector<Piece> begins, ends;
  std::vector<int64_t> axes, steps;
  for (const Range& range : ranges) {
    begins.push_back(range.begin);
    ends.push_back(range.end);
    axes.push_back(range.axis);
    steps.push_back(range.step);
  }
  TRY(const ValueId from, node.vector_of(begins, false));
  TRY(const ValueId to, node.vector_of(ends, false));
  return node.add(Slice{}, {x, from, to, node.constant(axes), node.constant(steps)});
}

Status strided_slice(NodeScope& node) {
  Masks masks;
  TRY(masks.begin, node.integer("begin_mask", 0));
  TRY(masks.end, node.integer("end_mask", 0));
  TRY(masks.ellipsis, node.integer("ellipsis_mask", 0));
  TRY(masks.new_axis, node.integer("new_axis_mask", 0));
  TRY(masks.shrink, node.integer("shrink_axis_mask", 0));
  masks.new_axis &= ~masks.ellipsis;
  TRY(const auto steps, node.constant_integers(3, "strides"));
  for (const size_t i : {size_t{1}, size_t{2}}) {
    TRY(const Fact fact, node.fact(i));
    if (!fact.rank_known() || fact.rank() != 1 || !fact.dim(0).is(static_cast<int64_t>(steps.size())) ||
        steps.size() > 32)
      return Error::invalid_model("input {} is {}, expected {} integers", i, fact, steps.size());
  }
  TRY(const StridedSpec spec, strided_spec(node, steps, masks));
  TRY(const ValueId x, node.input(0));
  std::optional<PartInts> part = node.integers_of(x);
  if (part)
    part = node.fact_of(x).rank_known() && node.fact_of(x).rank() == 1 ? sliced(*part, spec) : std::nullopt;
  if (part) {
    TRY(const ValueId known, known_integers(node, *part, !spec.squeezed.empty(), *node.fact_of(x).dtype));
    if (known != kNone) {
      node.set_output(0, known);
      return {};
    }
  }
  TRY(const ValueId cut, take_ranges(node, x, spec.ranges));
  TRY(const ValueId narrow, node.squeeze(cut, spec.squeezed));
  TRY(const ValueId y, node.unsqueeze(narrow, spec.unsqueezed));
  if (part) node.know(y, *part);
  node.set_output(0, y);
  return {};
}

/// begin and size; a size of -1 is all that is left.
Status slice(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId raw_begin, node.input(1));
  TRY(const ValueId raw_size, node.input(2));
  TRY(const ValueId begin, node.as_int64(raw_begin));
  TRY(const ValueId size, node.as_int64(raw_size));
  const auto begins = node.integers_of(begin), sizes = node.integers_of(size);
  if (begins && sizes && begins->size() == sizes->size()) {
    std::vector<Range> ranges;
    for (size_t i = 0; i < begins->size(); ++i) {
      Range range{static_cast<int64_t>(i), {}, {INT64_MAX, kNone}, 1};
      TRY(range.begin, bound(node, begin, i));
      if ((*sizes)[i] != -1) {
        TRY(const Piece count, bound(node, size, i));
        if (range.begin.dynamic == kNone && count.dynamic == kNone) {
          const auto end = checked_add(range.begin.number, count.number);
          if (!end || count.number < 0) return Error::invalid_model("size has the value {}", count.number);
          range.end = {*end, kNone};
        } else {
          TRY(const ValueId a, node.vector_of({range.begin}, false));
          TRY(const ValueId b, node.vector_of({count}, false));
          TRY(range.end.dynamic, node.add(Add{}, {a, b}));
        }
      }
      if (!range.is_whole()) ranges.push_back(range);
    }
    TRY(const ValueId y, take_ranges(node, x, ranges));
    node.set_output(0, y);
    return {};
  }
  TRY(const ValueId end, node.add(Add{}, {begin, size}));
  TRY(const ValueId to_end, node.add(Less{}, {size, node.scalar(int64_t{0})}));
  TRY(const ValueId bounded, node.add(Where{}, {to_end, node.scalar(INT64_MAX), end}));
  return node.emit(Slice{}, {x, begin, bounded});
}

Status split(NodeScope& node) {
  Split op;
  TRY(op.outputs, node.integer("num_split"));
  TRY(op.axis, node.constant_integer(0, "split_dim"));
  TRY(const ValueId x, node.input(1));
  const Fact fact = node.fact_of(x);
  if (fact.rank_known())
    if (const auto axis = normal_axis(op.axis, fact.rank()))
      if (const Dim& size = fact.dim(*axis);
          size.is_number() && (op.outputs < 1 || size.number() % op.outputs != 0))
        return Error::invalid_model("{} elements do not divide into {} pieces", size.number(), op.outputs);
  return node.emit(op, {x});
}

Status split_v(NodeScope& node) {
  Split op;
  TRY(op.outputs, node.integer("num_split"));
  TRY(const ValueId x, node.input(0));
  TRY(auto sizes, node.constant_integers(1, "size_splits"));
  TRY(op.axis, node.constant_integer(2, "split_dim"));
  const auto open = std::find(sizes.begin(), sizes.end(), -1);
  if (open != sizes.end()) {
    const Fact fact = node.fact_of(x);
    const auto axis = fact.rank_known() ? normal_axis(op.axis, fact.rank()) : std::nullopt;
    if (!axis || !fact.dim(*axis).is_number())
      return Error::not_supported("a size of -1 needs the size of axis {}, which is not known", op.axis);
    int64_t left = fact.dim(*axis).number() - 1;  // the -1 itself is among the sizes
    for (const int64_t one : sizes) left -= one;
    *open = left;
  }
  if (static_cast<int64_t>(sizes.size()) != op.outputs)
    return Error::invalid_model("{} sizes for {} pieces", sizes.size(), op.outputs);
  return node.emit(op, {x, node.constant(sizes)});
}

Status unpack(NodeScope& node) {
  TRY(const int64_t axis, node.integer("axis", 0));
  TRY(const int64_t count, node.integer("num"));
  if (count < 1 || count > 100000) return Error::invalid_model("num is {}", count);
  TRY(const ValueId x, node.input(0));
  Split op;
  op.axis = axis;
  op.outputs = count;
  TRY(const auto pieces, node.add_all(make_op(op), {x}));
  const auto part = node.integers_of(x);
  for (size_t i = 0; i < pieces.size(); ++i) {
    ValueId known = kNone;
    if (part && i < part->size() && node.fact_of(x).rank() == 1) {
      TRY(known, known_integers(node, {(*part)[i]}, true, *node.fact_of(x).dtype));
    }
    if (known == kNone) {
      TRY(known, node.squeeze(pieces[i], {axis}));
    }
    node.set_output(i, known);
  }
  return {};
}

/// What is known of the integers of vectors (or scalars) one behind the other.
std::optional<PartInts> joined(NodeScope& node, std::span<const ValueId> values) {
  PartInts out;
  for (const ValueId value : values) {
    const Fact fact = node.fact_of(value);
    if (is_float(*fact.dtype) || !fact.rank_known() || fact.rank() > 1) return std::nullopt;
    if (const auto part = node.integers_of(value)) {
      out.insert(out.end(), part->begin(), part->end());
    } else if (fact.rank() == 0 || fact.dim(0).is_number()) {
      const int64_t length = fact.rank() == 0 ? 1 : fact.dim(0).number();
      if (length > 64) return std::nullopt;
      out.resize(out.size() + static_cast<size_t>(length));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

Status pack(NodeScope& node) {
  node.ignore("N");
  TRY(const int64_t axis, node.integer("axis", 0));
  TRY(const auto in, node.inputs());
  if (in.empty()) return Error::invalid_model("it has no inputs");
  std::vector<ValueId> raised;
  for (const ValueId value : in) {
    TRY(raised.emplace_back(), node.unsqueeze(value, {axis}));
  }
  Concat op;
  op.axis = axis;
  TRY(const ValueId y, node.add(op, std::move(raised)));
  const Fact first = node.fact_of(in[0]);
  if (first.rank_known() && first.rank() == 0)
    if (auto part = joined(node, in)) node.know(y, *std::move(part));
  node.set_output(0, y);
  return {};
}

Status concatenated(NodeScope& node, std::vector<ValueId> in, int64_t axis) {
  if (in.empty()) return Error::invalid_model("it has no inputs");
  ValueId y = in[0];
  if (in.size() > 1) {
    Concat op;
    op.axis = axis;
    auto part = joined(node, in);
    TRY(y, node.add(op, std::move(in)));
    if (part && node.fact_of(y).rank_known() && node.fact_of(y).rank() == 1) node.know(y, *std::move(part));
  }
  node.set_output(0, y);
  return {};
}

Status concat_v2(NodeScope& node) {
  node.ignore("N");
  if (node.input_count() < 2) return Error::invalid_model("{} inputs", node.input_count());
  TRY(const int64_t axis, node.constant_integer(node.input_count() - 1, "axis"));
  TRY(auto in, node.inputs(0, node.input_count() - 1));
  return concatenated(node, std::move(in), axis);
}

Status concat_v1(NodeScope& node) {
  node.ignore("N");
  TRY(const int64_t axis, node.constant_integer(0, "concat_dim"));
  TRY(auto in, node.inputs(1));
  return concatenated(node, std::move(in), axis);
}

constexpr Row kSliceRows[] = {
    {"Concat", concat_v1},
    {"ConcatV2", concat_v2},
    {"Pack", pack},
    {"Slice", slice},
    {"Split", split},
    {"SplitV", split_v},
    {"StridedSlice", strided_slice},
    {"Unpack", unpack},
};

}  // namespace

std::span<const Row> slice_rows() {
  return kSliceRows;
}

}  // namespace pochade::tensorflow

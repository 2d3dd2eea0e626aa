// Parts of tensors.

#include <limits>

#include "formats/tflite/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"

namespace pochade::tflite {
namespace {

constexpr int64_t kFarEnd = std::numeric_limits<int64_t>::max();

/// begin and size of each axis; a size of -1 goes to the end.
Status slice(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId given_begin, node.required(1));
  TRY(const ValueId given_size, node.required(2));
  TRY(const ValueId begin, node.to_int64(given_begin));
  TRY(const ValueId size, node.to_int64(given_size));
  TRY(const ValueId end, node.add(Add{}, {begin, size}));
  TRY(const ValueId is_rest, node.add(Equal{}, {size, node.scalar<int64_t>(-1)}));
  TRY(const ValueId ends, node.add(Where{}, {is_rest, node.scalar(kFarEnd), end}));
  return node.emit(Slice{}, {x, begin, ends});
}

struct Masks {
  int64_t begin = 0, end = 0, ellipsis = 0, new_axis = 0, shrink = 0;
  static bool has(int64_t mask, size_t i) { return i < 31 && (mask >> i & 1) != 0; }
};

/// One entry of begin, end and strides, for an axis of x.
struct Entry {
  size_t at = 0;
  int64_t axis = 0;
  bool shrinks = false;
};

/// Which axis of x each entry speaks of, and which axes of the result are new (numpy's rules: an ellipsis
/// stands for all axes that no other entry names).
Status place_entries(const Masks& masks, size_t count, int rank, std::vector<Entry>& entries,
                     std::vector<int64_t>& squeezed, std::vector<int64_t>& added) {
  size_t named = 0;
  for (size_t i = 0; i < count; ++i)
    named += !Masks::has(masks.ellipsis, i) && !Masks::has(masks.new_axis, i);
  if (named > static_cast<size_t>(rank))
    return Error::invalid_model("it names {} axes, the rank is {}", named, rank);
  int64_t axis = 0, result = 0;
  bool seen_ellipsis = false;
  for (size_t i = 0; i < count; ++i) {
    if (Masks::has(masks.ellipsis, i)) {
      if (seen_ellipsis) return Error::invalid_model("it has two ellipses");
      seen_ellipsis = true;
      axis += rank - static_cast<int64_t>(named);
      result += rank - static_cast<int64_t>(named);
    } else if (Masks::has(masks.new_axis, i)) {
      added.push_back(result++);
    } else {
      const bool shrinks = Masks::has(masks.shrink, i);
      entries.push_back({i, axis, shrinks});
      if (shrinks)
        squeezed.push_back(axis);
      else
        ++result;
      ++axis;
    }
  }
  return {};
}

/// Positions known when the file is read.
Status constant_positions(const std::vector<Entry>& entries, const Masks& masks,
                          const std::vector<int64_t>& begins, const std::vector<int64_t>& ends,
                          const std::vector<int64_t>& strides, std::vector<std::vector<int64_t>>& out) {
  for (const Entry& entry : entries) {
    const int64_t stride = strides[entry.at];
    if (stride == 0) return Error::invalid_model("a stride is 0");
    int64_t begin = begins[entry.at], end = ends[entry.at];
    if (entry.shrinks) {
      end = begin == -1 || begin == kFarEnd ? kFarEnd : begin + 1;
      out[3].push_back(1);
    } else {
      // Behind the last element, or before the first, whatever the size.
      if (Masks::has(masks.begin, entry.at)) begin = stride > 0 ? 0 : kFarEnd;
      if (Masks::has(masks.end, entry.at)) end = stride > 0 ? kFarEnd : -kFarEnd;
      out[3].push_back(stride);
    }
    out[0].push_back(begin);
    out[1].push_back(end);
    out[2].push_back(entry.axis);
  }
  return {};
}

/// Vectors that choose between positions of the file and computed ones.
Result<ValueId> chosen(NodeScope& node, const std::vector<Entry>& entries, ValueId computed,
                       const std::vector<bool>& fixed, const std::vector<int64_t>& values) {
  std::vector<ValueId> parts;
  for (size_t k = 0; k < entries.size(); ++k) {
    if (fixed[k]) {
      parts.push_back(node.integers_value({values[k]}));
    } else {
      const auto at = static_cast<int64_t>(entries[k].at);
      TRY(const ValueId part, node.slice(computed, 0, at, at + 1));
      parts.push_back(part);
    }
  }
  return node.concat(std::move(parts), 0);
}

/// Positions that are computed while running; the strides are not.
Result<std::vector<ValueId>> computed_positions(NodeScope& node, const std::vector<Entry>& entries,
                                                const Masks& masks, const std::vector<int64_t>& strides) {
  TRY(const ValueId given_begin, node.required(1));
  TRY(const ValueId given_end, node.required(2));
  TRY(const ValueId begin, node.to_int64(given_begin));
  TRY(const ValueId given_ends, node.to_int64(given_end));
  // Where an axis goes: one behind its begin, and everything behind -1.
  TRY(const ValueId next, node.add(Add{}, {begin, node.scalar<int64_t>(1)}));
  TRY(const ValueId is_last, node.add(Equal{}, {begin, node.scalar<int64_t>(-1)}));
  TRY(const ValueId single_ends, node.add(Where{}, {is_last, node.scalar(kFarEnd), next}));
  std::vector<bool> fixed_begin, fixed_end;
  std::vector<int64_t> begins, ends, axes, steps;
  std::vector<ValueId> end_parts;
  for (const Entry& entry : entries) {
    const int64_t stride = entry.shrinks ? 1 : strides[entry.at];
    if (stride == 0) return Error::invalid_model("a stride is 0");
    fixed_begin.push_back(!entry.shrinks && Masks::has(masks.begin, entry.at));
    begins.push_back(stride > 0 ? 0 : kFarEnd);
    axes.push_back(entry.axis);
    steps.push_back(stride);
    const bool is_open = !entry.shrinks && Masks::has(masks.end, entry.at);
    const auto at = static_cast<int64_t>(entry.at);
    ValueId part = node.integers_value({stride > 0 ? kFarEnd : -kFarEnd});
    if (!is_open) {
      TRY(part, node.slice(entry.shrinks ? single_ends : given_ends, 0, at, at + 1));
    }
    end_parts.push_back(part);
  }
  TRY(const ValueId starts, chosen(node, entries, begin, fixed_begin, begins));
  TRY(const ValueId stops, node.concat(std::move(end_parts), 0));
  return std::vector<ValueId>{starts, stops, node.integers_value(axes), node.integers_value(steps)};
}

Status strided_slice(NodeScope& node) {
  Masks masks;
  TRY(masks.begin, node.integer("begin_mask", 0));
  TRY(masks.end, node.integer("end_mask", 0));
  TRY(masks.ellipsis, node.integer("ellipsis_mask", 0));
  TRY(masks.new_axis, node.integer("new_axis_mask", 0));
  TRY(masks.shrink, node.integer("shrink_axis_mask", 0));
  TRY(const bool offset, node.flag("offset", false));
  if (offset) return Error::not_supported("option \"offset\" is not supported");
  TRY(ValueId x, node.required(0));
  TRY(const std::vector<int64_t> strides, node.constant_integers(3, "strides"));
  TRY(const int rank, node.rank(0));
  std::vector<Entry> entries;
  std::vector<int64_t> squeezed, added;
  TRY(place_entries(masks, strides.size(), rank, entries, squeezed, added));
  TRY(const ValueId begin, node.required(1));
  TRY(const ValueId end, node.required(2));
  for (const ValueId positions : {begin, end})
    if (const auto length = node.fact(positions).shape();
        !length || length->elements() != static_cast<int64_t>(strides.size()))
      return Error::invalid_model("begin, end and strides have different lengths");
  if (!entries.empty()) {
    std::vector<ValueId> positions;
    if (node.is_constant(begin) && node.is_constant(end)) {
      TRY(const std::vector<int64_t> begins, node.constant_integers(1, "begin"));
      TRY(const std::vector<int64_t> ends, node.constant_integers(2, "end"));
      std::vector<std::vector<int64_t>> lists(4);
      TRY(constant_positions(entries, masks, begins, ends, strides, lists));
      for (const auto& list : lists) positions.push_back(node.integers_value(list));
    } else {
      TRY(positions, computed_positions(node, entries, masks, strides));
    }
    positions.insert(positions.begin(), x);
    TRY(x, node.add_as(node.type(x), Slice{}, std::move(positions)));
  }
  if (!squeezed.empty()) {
    TRY(x, node.squeeze(x, squeezed));
  }
  if (!added.empty()) {
    TRY(x, node.unsqueeze(x, added));
  }
  return node.set_output(0, x);
}

/// The named axes backwards.
Status reverse_v2(NodeScope& node) {
  TRY(const std::vector<int64_t> axes, node.constant_integers(1, "axes"));
  TRY(const ValueId x, node.required(0));
  const std::vector<int64_t> starts(axes.size(), kFarEnd), ends(axes.size(), -kFarEnd),
      steps(axes.size(), -1);
  return node.emit(Slice{}, {x, node.integers_value(starts), node.integers_value(ends),
                             node.integers_value(axes), node.integers_value(steps)});
}

/// Writes `update` over x at a position that may be computed, moved so that all of it lies inside.
Status dynamic_update_slice(NodeScope& node) {
  TRY(const ValueId x, node.required(0));
  TRY(const ValueId update, node.required(1));
  const auto whole = node.fact(x).shape(), part = node.fact(update).shape();
  TRY(const std::vector<int64_t> given, node.constant_integers(2, "start_indices"));
  if (!whole || !part || whole->rank() != part->rank() || given.size() != static_cast<size_t>(whole->rank()))
    return Error::not_supported("x is {}, the update {}", node.fact(x), node.fact(update));
  // What stands before and behind it along each axis, from the innermost axis out.
  ValueId y = update;
  for (int axis = whole->rank() - 1; axis >= 0; --axis) {
    if ((*part)[axis] > (*whole)[axis]) return Error::invalid_model("the update is larger than x");
    const int64_t begin =
        std::clamp<int64_t>(given[static_cast<size_t>(axis)], 0, (*whole)[axis] - (*part)[axis]);
    const int64_t end = begin + (*part)[axis];
    if (begin == 0 && end == (*whole)[axis]) continue;
    ValueId around = x;
    for (int outer = 0; outer < axis; ++outer) {
      const int64_t first =
          std::clamp<int64_t>(given[static_cast<size_t>(outer)], 0, (*whole)[outer] - (*part)[outer]);
      TRY(around, node.slice(around, outer, first, first + (*part)[outer]));
    }
    std::vector<ValueId> pieces;
    if (begin > 0) {
      TRY(const ValueId before, node.slice(around, axis, 0, begin));
      pieces.push_back(before);
    }
    pieces.push_back(y);
    if (end < (*whole)[axis]) {
      TRY(const ValueId behind, node.slice(around, axis, end, kFarEnd));
      pieces.push_back(behind);
    }
    TRY(y, node.concat(std::move(pieces), axis));
  }
  return node.set_output(0, y);
}

constexpr Row kSliceRows[] = {
    {"DYNAMIC_UPDATE_SLICE", dynamic_update_slice},
    {"REVERSE_V2", reverse_v2},
    {"SLICE", slice},
    {"STRIDED_SLICE", strided_slice},
};

}  // namespace

std::span<const Row> slice_rows() {
  return kSliceRows;
}

}  // namespace pochade::tflite

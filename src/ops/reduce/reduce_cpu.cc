#include "ops/reduce/reduce_cpu.h"

#include <algorithm>

#include "kernels/quantized_args.h"
#include "ops/phases.h"

namespace pochade {
namespace {

/// A reduction as kernels know it: over the elements themselves, then a function of the result.
struct Recipe {
  Reduction over;
  Reduction join;  ///< of partial results
  Unary then = Unary::kCopy;
};

std::optional<Recipe> recipe_of(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::kSum:
      return Recipe{Reduction::kSum, Reduction::kSum};
    case ReduceKind::kMean:
      return Recipe{Reduction::kMean, Reduction::kMean};  // of parts of one size
    case ReduceKind::kMax:
      return Recipe{Reduction::kMax, Reduction::kMax};
    case ReduceKind::kMin:
      return Recipe{Reduction::kMin, Reduction::kMin};
    case ReduceKind::kProd:
      return Recipe{Reduction::kProduct, Reduction::kProduct};
    case ReduceKind::kL1:
      return Recipe{Reduction::kSumOfAbs, Reduction::kSum};
    case ReduceKind::kL2:
      return Recipe{Reduction::kSumOfSquares, Reduction::kSum, Unary::kSqrt};
    case ReduceKind::kSumSquare:
      return Recipe{Reduction::kSumOfSquares, Reduction::kSum};
    case ReduceKind::kLogSum:
      return Recipe{Reduction::kSum, Reduction::kSum, Unary::kLog};
    case ReduceKind::kLogSumExp:
      return std::nullopt;
  }
  return std::nullopt;
}

/// Axes of more than one element, neighbours of one kind joined: first is what stays or goes first, then in
/// turn.
struct Runs {
  bool first_goes = false;
  std::vector<int64_t> sizes;
};

Runs runs_of(const Shape& shape, const std::vector<int>& axes) {
  Runs out;
  bool previous = false;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    const bool goes = std::binary_search(axes.begin(), axes.end(), axis);
    if (out.sizes.empty()) out.first_goes = goes;
    if (out.sizes.empty() || goes != previous) out.sizes.push_back(1);
    out.sizes.back() *= shape[axis];
    previous = goes;
  }
  return out;
}

/// x [outer, rows, columns] -> y [outer, columns], columns of all outer indices in pieces of 64.
Phase column_phase(const Kernels* kernels, Recipe recipe, int64_t outer, int64_t rows, int64_t columns,
                   bool from_scratch) {
  const int64_t pieces = (columns + 63) / 64;
  const int64_t units = outer * pieces;
  return divided(units, rows * std::min<int64_t>(columns, 64), [=](const StepBuffers& b, Range r) {
    const float* x = from_scratch ? shared_floats(b) : b.in<float>(0);
    const auto end = static_cast<int64_t>(r.end);
    for (auto unit = static_cast<int64_t>(r.begin); unit < end;) {
      const int64_t i = unit / pieces, piece = unit % pieces;
      const int64_t count = std::min(pieces - piece, end - unit);
      const Range some = range(piece * 64, std::min((piece + count) * 64, columns));
      ReduceArgs args;
      args.x = x + i * rows * columns;
      args.y = b.out<float>(0) + i * columns;
      args.rows = static_cast<size_t>(rows);
      args.columns = static_cast<size_t>(columns);
      kernels->reduce_columns(from_scratch ? recipe.join : recipe.over, args, some);
      if (recipe.then != Unary::kCopy) kernels->unary(recipe.then, args.y, args.y, 0, 0, some);
      unit += count;
    }
  });
}

/// x [rows, columns] -> y [rows], or to the scratch.
Phase row_phase(const Kernels* kernels, Recipe recipe, int64_t rows, int64_t columns, bool to_scratch) {
  return divided(rows, columns, [=](const StepBuffers& b, Range some) {
    ReduceArgs args;
    args.x = b.in<float>(0);
    args.y = to_scratch ? shared_floats(b) : b.out<float>(0);
    args.rows = static_cast<size_t>(rows);
    args.columns = static_cast<size_t>(columns);
    kernels->reduce_rows(recipe.over, args, some);
    if (recipe.then != Unary::kCopy && !to_scratch) kernels->unary(recipe.then, args.y, args.y, 0, 0, some);
  });
}

}  // namespace

Step lower_reduce(ReduceKind kind, const ReduceFields& fields, std::string_view name, const Lowering& at) {
  const auto recipe = recipe_of(kind);
  const Shape shape = at.in_shape(0);
  const auto axes = reduced_axes(fields, at.inputs);
  if (!recipe || !at.in_is(0, DType::kF32) || !axes || !*axes || shape.elements() == 0)
    return Lowering::reference();
  if ((*axes)->empty()) return Lowering::reference();
  Runs runs = runs_of(shape, **axes);
  if (runs.sizes.empty()) runs = {true, {1}};  // one element: its own reduction
  if (!runs.first_goes) {
    runs.sizes.insert(runs.sizes.begin(), 1);  // so that what goes comes first: [goes, stays, goes, stays]
  }
  auto& sizes = runs.sizes;
  Step step;
  step.kernel = format("{}_f32", name);
  const Kernels* kernels = &at.kernels;
  switch (sizes.size()) {
    case 1:  // everything
      step.why = "all elements";
      step.phases.push_back(row_phase(kernels, *recipe, 1, sizes[0], false));
      return step;
    case 2:
      step.why = sizes[0] == 1 ? "nothing but axes of 1" : "leading axes";
      step.phases.push_back(column_phase(kernels, *recipe, 1, sizes[0], sizes[1], false));
      return step;
    case 3:
      if (sizes[0] == 1) {
        step.why = "innermost axes";
        step.phases.push_back(row_phase(kernels, *recipe, sizes[1], sizes[2], false));
        return step;
      }
      step.why = "innermost axes, then leading axes";
      step.shared_scratch_bytes = static_cast<size_t>(sizes[0] * sizes[1]) * sizeof(float);
      step.phases.push_back(row_phase(kernels, *recipe, sizes[0] * sizes[1], sizes[2], true));
      step.phases.push_back(column_phase(kernels, *recipe, 1, sizes[0], sizes[1], true));
      return step;
    case 4:
      if (sizes[0] != 1) break;
      step.why = "axes in the middle";
      step.phases.push_back(column_phase(kernels, *recipe, sizes[1], sizes[2], sizes[3], false));
      return step;
    default:
      break;
  }
  return Lowering::reference();
}

namespace {

/// The first greatest of each row of bytes.
Step arg_max_of_bytes(const Lowering& at, int64_t columns) {
  const bool is_signed = at.in_is(0, DType::kI8);
  Step step;
  step.kernel = "arg_max_8";
  step.why = "of values and places together";
  step.phases.push_back(divided(at.out_shape(0).elements(), columns,
                                [=, kernels = at.kernels.quantized](const StepBuffers& b, Range rows) {
                                  kernels->arg_max(b.in<uint8_t>(0), is_signed, static_cast<size_t>(columns),
                                                   b.out<int64_t>(0), rows);
                                }));
  return step;
}

}  // namespace

Step lower_arg(const ArgFields& fields, bool largest, const Lowering& at) {
  const Shape shape = at.in_shape(0);
  const int axis = *normal_axis(fields.axis, shape.rank());
  if ((at.in_is(0, DType::kI8) || at.in_is(0, DType::kU8)) && largest && !fields.select_last_index &&
      axis == shape.rank() - 1 && shape[axis] <= 256 && shape.elements() > 0)
    return arg_max_of_bytes(at, shape[axis]);
  if (!at.in_is(0, DType::kF32)) return Lowering::reference();
  const int64_t size = shape[axis], inner = shape.product(axis + 1, shape.rank());
  const int64_t outputs = at.out_shape(0).elements();
  Step step;
  step.kernel = largest ? "arg_max_f32" : "arg_min_f32";
  step.why = "plain loop";
  step.phases.push_back(
      divided(outputs, 2 * size, [=, last = fields.select_last_index](const StepBuffers& b, Range r) {
        for (auto i = static_cast<int64_t>(r.begin); i < static_cast<int64_t>(r.end); ++i) {
          const float* x = b.in<float>(0) + i / inner * size * inner + i % inner;
          int64_t best = 0;
          float leader = x[0];
          for (int64_t k = 1; k < size; ++k) {
            const float value = x[k * inner];
            if (!((largest ? value > leader : value < leader) || (last && value == leader))) continue;
            best = k;
            leader = value;
          }
          b.out<int64_t>(0)[i] = best;
        }
      }));
  return step;
}

}  // namespace pochade

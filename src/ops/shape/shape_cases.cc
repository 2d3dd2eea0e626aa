#include "ops/cases.h"
#include "ops/shape/blocks.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/pad.h"
#include "ops/shape/slice.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

using I = std::vector<int64_t>;
constexpr DType kWidths[] = {DType::kU8, DType::kF16, DType::kF32, DType::kI64};  // 1, 2, 4 and 8 bytes

Tensor list(const I& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
}

void add_transposes(Cases& cases) {
  const auto add = [&](std::string_view name, DType dtype, const Shape& shape, const I& perm) {
    Transpose op;
    op.perm = perm;
    cases.add("{}_{}", op, name, to_string(dtype)).input(ints(dtype, shape, 0, 100));
  };
  for (const DType dtype : kWidths) {
    add("matrix", dtype, {33, 41}, {1, 0});
    add("to_last", dtype, {2, 3, 9, 11}, {0, 2, 3, 1});
    add("to_first", dtype, {2, 9, 11, 3}, {0, 3, 1, 2});
    add("middle", dtype, {3, 4, 5, 6}, {0, 2, 1, 3});
  }
  add("reverse", DType::kF32, {3, 4, 5, 6}, {});
  add("six", DType::kF32, {2, 3, 2, 3, 2, 5}, {0, 3, 1, 5, 2, 4});
  add("identity", DType::kF32, {3, 4}, {0, 1});
  add("tasks", DType::kF32, {1, 64, 60, 70}, {0, 2, 3, 1});
  add("scalar", DType::kF32, {}, {});
  add("nothing", DType::kF32, {3, 0}, {1, 0});
}

void add_joins(Cases& cases) {
  for (const DType dtype : kWidths)
    for (const int64_t axis : {0, 1, 2}) {
      Concat join;
      join.axis = axis;
      const auto part = [&](int64_t size) {
        Shape shape{3, 4, 5};
        shape[static_cast<int>(axis)] = size;
        return ints(dtype, shape, 0, 100);
      };
      cases.add("{}_axis{}", join, to_string(dtype), axis)
          .input(part(2))
          .input(part(0))
          .input(part(17))
          .input(part(1));
      Split cut;
      cut.axis = axis;
      cut.outputs = 3;
      cases.add("{}_axis{}", cut, to_string(dtype), axis).input(part(17)).weight(list({2, 14, 1}));
      cases.add("even_{}_axis{}", cut, to_string(dtype), axis).input(part(17));
    }
  Concat join;
  join.axis = 1;
  cases.add("tasks", join).input(f32({200, 300})).input(f32({200, 30}));
  cases.add("one", join).input(f32({2, 3}));
}

void add_slices(Cases& cases) {
  const auto add = [&](std::string_view name, DType dtype, const Shape& shape, const I& starts, const I& ends,
                       const I& axes, const I& steps) {
    cases.add("{}_{}", Slice{}, name, to_string(dtype))
        .input(ints(dtype, shape, 0, 100))
        .weight(list(starts))
        .weight(list(ends))
        .weight(list(axes))
        .weight(list(steps));
  };
  for (const DType dtype : kWidths) {
    add("rows", dtype, {9, 40}, {2}, {7}, {0}, {1});
    add("columns", dtype, {9, 40}, {3}, {-2}, {1}, {1});
    add("every_third", dtype, {9, 40}, {1}, {1000}, {1}, {3});
    add("backwards", dtype, {9, 40}, {-1, 30}, {-1000, 2}, {0, 1}, {-1, -7});
  }
  add("nothing", DType::kF32, {9, 40}, {5}, {5}, {0}, {1});
  add("crop", DType::kF32, {2, 70, 80, 9}, {1, 2}, {-1, -3}, {1, 2}, {1, 1});
}

void add_repeats(Cases& cases) {
  for (const DType dtype : kWidths) {
    cases.add("{}", Expand{}, to_string(dtype))
        .input(ints(dtype, {3, 1, 5}, 0, 100))
        .weight(list({2, 3, 7, 5}));
    cases.add("{}", Tile{}, to_string(dtype)).input(ints(dtype, {3, 1, 5}, 0, 100)).weight(list({2, 3, 4}));
  }
  cases.add("scalar", Expand{}).input(f32({})).weight(list({200, 333}));
  cases.add("columns", Expand{}).input(f32({40, 1})).weight(list({40, 33}));
  cases.add("nothing", Expand{}).input(f32({1})).weight(list({0, 3}));
  cases.add("once", Tile{}).input(f32({3, 5})).weight(list({1, 1}));
  cases.add("four_axes", Tile{}).input(f32({2, 3, 4, 5})).weight(list({2, 1, 3, 2}));
  cases.add("of_one", Tile{}).input(f32({1, 1})).weight(list({5, 7}));
}

void add_blocks(Cases& cases) {
  for (const int64_t block : {1, 2, 3})
    for (const int64_t channels : {1, 3, 8, 17}) {
      for (const bool channel_first : {false, true}) {
        DepthToSpace op;
        op.block = block;
        op.channel_first = channel_first;
        cases.add("b{}_c{}_first{}", op, block, channels, channel_first)
            .input(f32({2, 5, 4, channels * block * block}));
      }
      SpaceToDepth op;
      op.block = block;
      cases.add("b{}_c{}", op, block, channels).input(f32({2, 5 * block, 4 * block, channels}));
    }
}

void add_pads(Cases& cases) {
  for (const PadFill mode : {PadFill::kConstant, PadFill::kReflect, PadFill::kEdge, PadFill::kWrap}) {
    Pad op;
    op.mode = mode;
    const auto add = [&](std::string_view name, DType dtype, const Shape& shape, const I& pads) {
      return &cases.add("{}_{}_{}", op, to_string(mode), name, to_string(dtype))
                  .input(ints(dtype, shape, 0, 100))
                  .weight(list(pads));
    };
    for (const DType dtype : kWidths) {
      add("image", dtype, {2, 5, 6, 3}, {0, 2, 1, 0, 0, 3, 4, 0});
      add("planes", dtype, {2, 3, 5, 6}, {0, 0, 2, 1, 0, 0, 3, 4});
    }
    add("cut", DType::kF32, {7, 8, 3}, {-2, 1, 0, -1, -3, 0});
    add("cut_and_pad", DType::kF32, {9}, {-2, 3});
    add("all_axes", DType::kF32, {3, 4, 5}, {1, 2, 3, 2, 1, 4});
    add("nowhere", DType::kF32, {3, 4}, {0, 0, 0, 0});
    add("tasks", DType::kF32, {1, 90, 91, 16}, {0, 4, 4, 0, 0, 4, 4, 0});
    if (mode == PadFill::kConstant) {
      add("value", DType::kF32, {3, 4}, {1, 1, 1, 1})->weight(Tensor::scalar(7.5f));
      add("all_cut", DType::kF32, {3, 4}, {-3, 0, 2, 1});
      add("from_nothing", DType::kF32, {0, 4}, {1, 0, 1, 0});
    }
  }
}

}  // namespace

Cases shape_cases() {
  Cases cases;
  add_transposes(cases);
  add_joins(cases);
  add_slices(cases);
  add_repeats(cases);
  add_blocks(cases);
  add_pads(cases);
  return cases;
}

}  // namespace pochade

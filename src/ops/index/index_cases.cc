#include "ops/cases.h"
#include "ops/index/gather.h"

namespace pochade {

Cases index_cases() {
  Cases cases;
  for (const DType dtype : {DType::kF32, DType::kI64, DType::kU8})
    for (const int64_t axis : {0, 1, 2}) {
      Gather op;
      op.axis = axis;
      cases.add("{}_axis{}", op, to_string(dtype), axis)
          .input(ints(dtype, {7, 6, 5}, 0, 100))
          .weight(Tensor::of<int64_t>({2, 3}, {0, 4, -1, 2, 2, -5}));
    }
  cases.add("scalar", Gather{}).input(f32({7, 6})).weight(Tensor::scalar<int32_t>(3));
  cases.add("none", Gather{}).input(f32({7, 6})).weight(Tensor::of<int64_t>({0}, {}));
  cases.add("tasks", Gather{}).input(f32({50, 3000})).weight(Tensor::of<int64_t>({6}, {1, 49, 3, 3, 0, -2}));
  return cases;
}

}  // namespace pochade

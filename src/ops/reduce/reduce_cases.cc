#include "ops/cases.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"

namespace pochade {
namespace {

/// Axes at the end, at the start, in the middle, at both ends, all, and none that count.
template <typename D>
void add_reduction(Cases& cases, double low, double high, double tolerance) {
  struct Form {
    std::string_view name;
    Shape shape;
    std::vector<int64_t> axes;
  };
  const Form forms[] = {
      {"last", {3, 5, 17}, {2}},
      {"last_long", {70, 1000}, {1}},
      {"last_two", {4, 6, 9}, {1, 2}},
      {"first", {19, 5, 7}, {0}},
      {"first_long", {700, 130}, {0}},
      {"first_two", {4, 6, 33}, {0, 1}},
      {"middle", {3, 18, 21}, {1}},
      {"spatial", {2, 9, 11, 70}, {1, 2}},
      {"both_ends", {4, 9, 15}, {0, 2}},
      {"all", {4, 9, 15}, {}},
      {"of_one", {4, 1, 15}, {1}},
      {"single", {1, 1}, {0}},
      {"alternating", {2, 3, 4, 5, 6}, {1, 3}},
  };
  for (const Form& form : forms)
    for (const bool keep : {true, false}) {
      D op;
      op.keep_dims = keep;
      const auto count = static_cast<int64_t>(form.axes.size());
      auto& test = cases.add("{}_keep{}", op, form.name, keep).input(f32(form.shape, low, high));
      if (count != 0) test.weight(Tensor::of<int64_t>({count}, form.axes));
      test.tolerance(tolerance, tolerance);
    }
}

template <typename D>
void add_arg(Cases& cases) {
  for (const int64_t axis : {0, 1, 2})
    for (const bool last : {false, true}) {
      D op;
      op.axis = axis;
      op.select_last_index = last;
      // Few different values, so that many are equal.
      Tensor few = Tensor::make(DType::kF32, {5, 9, 13}).value();
      for (size_t i = 0; i < few.data<float>().size(); ++i)
        few.mutable_data<float>()[i] = static_cast<float>(i * 7 % 5);
      cases.add("axis{}_last{}", op, axis, last).weight(few);
      cases.add("axis{}_last{}_random", op, axis, last).input(f32({40, 33, 17}));
    }
}

}  // namespace

Cases reduce_cases() {
  Cases cases;
  add_reduction<ReduceSum>(cases, -1, 1, 2e-5);
  add_reduction<ReduceMean>(cases, -1, 1, 1e-6);
  add_reduction<ReduceMax>(cases, -1, 1, 0);
  add_reduction<ReduceMin>(cases, -1, 1, 0);
  add_reduction<ReduceProd>(cases, 0.99, 1.01, 1e-4);
  add_reduction<ReduceL1>(cases, -1, 1, 1e-5);
  add_reduction<ReduceL2>(cases, -1, 1, 1e-5);
  add_reduction<ReduceLogSum>(cases, 0.1, 1, 1e-5);
  add_reduction<ReduceSumSquare>(cases, -1, 1, 1e-5);
  add_arg<ArgMax>(cases);
  add_arg<ArgMin>(cases);
  return cases;
}

}  // namespace pochade

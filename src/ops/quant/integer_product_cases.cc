#include <limits>

#include "ops/cases.h"
#include "ops/elementwise/select.h"
#include "ops/quant/qlinear_conv.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"

namespace pochade {
namespace {

InputSpec all_of(DType dtype, const Shape& shape) {
  return dtype == DType::kU8 ? ints(dtype, shape, 0, 255) : ints(dtype, shape, -128, 127);
}

/// How a product reads its inputs.
struct Form {
  std::string_view name;
  DType x, w;
  std::optional<int32_t> x_zero, w_zero;
};

const Form kForms[] = {
    {"dynamic", DType::kU8, DType::kI8, 131, 0},    {"uint8", DType::kU8, DType::kU8, 7, 128},
    {"uint8_ends", DType::kU8, DType::kU8, 255, 0}, {"int8", DType::kI8, DType::kI8, -128, 127},
    {"int8_uint8", DType::kI8, DType::kU8, 5, 255}, {"plain", DType::kU8, DType::kI8, {}, {}},
};

Tensor zero_point(DType dtype, int32_t value) {
  return Tensor::scalar(value).cast(dtype).value();
}

/// Zero points that are computed, as DynamicQuantizeLinear's is, or known.
void add_zero_points(Case& test, const Form& form, bool computed) {
  const auto add = [&](DType dtype, const std::optional<int32_t>& zero, bool is_computed) {
    if (!zero) return void(test.no_input());
    const Tensor value = zero_point(dtype, *zero);
    if (is_computed)
      test.input({value.dtype(), value.shape(), 0, 0, false, value});
    else
      test.weight(value);
  };
  add(form.x, form.x_zero, true);
  add(form.w, form.w_zero, computed);
}

void add_matmuls(Cases& cases) {
  struct Shapes {
    Shape a, b;
  };
  for (const Form& form : kForms)
    for (const Shapes& s :
         {Shapes{{5, 64}, {64, 21}}, Shapes{{2, 3, 7, 33}, {33, 70}}, Shapes{{1, 700}, {700, 9}},
          Shapes{{40}, {40, 3}}, Shapes{{2, 3, 5, 18}, {2, 1, 18, 19}}, Shapes{{6, 4}, {4}},
          Shapes{{7, 8}, {3, 8, 5}}})
      for (const bool computed : {false, true}) {
        Case& test =
            cases.add("{}_{}_{}_{}", MatMulInteger{}, form.name, s.a, s.b, computed ? "computed" : "weights");
        test.input(all_of(form.x, s.a));
        if (computed)
          test.input(all_of(form.w, s.b));
        else
          test.weight(all_of(form.w, s.b));
        add_zero_points(test, form, computed);
      }
}

void add_convs(Cases& cases) {
  for (const Form& form : kForms) {
    const auto add = [&](const Shape& x, const Shape& w, int64_t groups, int64_t stride, int64_t dilation) {
      ConvInteger op;
      op.groups = groups;
      op.window.strides.assign(static_cast<size_t>(x.rank() - 2), stride);
      op.window.dilations.assign(static_cast<size_t>(x.rank() - 2), dilation);
      op.window.auto_pad = AutoPad::kSameUpper;
      Case& test = cases.add("{}_x{}_w{}_g{}_s{}_d{}", op, form.name, x, w, groups, stride, dilation);
      test.input(all_of(form.x, x)).weight(all_of(form.w, w));
      add_zero_points(test, form, false);
    };
    add({2, 6, 7, 5}, {21, 3, 3, 5}, 1, 1, 1);
    add({1, 9, 8, 16}, {40, 1, 1, 16}, 1, 2, 1);
    add({1, 9, 9, 3}, {8, 3, 3, 3}, 1, 1, 2);
    add({1, 5, 5, 8}, {6, 3, 3, 4}, 2, 1, 1);
    add({2, 7, 6, 19}, {19, 3, 3, 1}, 19, 2, 1);
    add({1, 6, 9, 32}, {32, 3, 3, 1}, 32, 1, 1);
    add({1, 5, 6, 3}, {6, 3, 3, 1}, 3, 1, 1);
    add({2, 19, 8}, {9, 5, 8}, 1, 1, 1);
  }
}

void add_ranges(Cases& cases) {
  for (const Shape& shape : {Shape{3, 7, 9, 70}, Shape{1}, Shape{300, 1001}, Shape{}})
    cases.add("{}", DynamicQuantizeLinear{}, shape).input(f32(shape, -9, 4)).tolerance(0, 0);
  cases.add("above_zero", DynamicQuantizeLinear{}).input(f32({5, 33}, 2, 4)).tolerance(0, 0);
  cases.add("below_zero", DynamicQuantizeLinear{}).input(f32({5, 33}, -4, -2)).tolerance(0, 0);
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  const auto given = [&](std::string_view name, const std::vector<float>& values) {
    const Tensor x = Tensor::of<float>({static_cast<int64_t>(values.size())}, values);
    cases.add("{}", DynamicQuantizeLinear{}, name)
        .input({DType::kF32, x.shape(), 0, 0, false, x})
        .tolerance(0, 0);
  };
  given("zeros", {0, 0, -0.0f});
  given("ties", {-127.5f, 127.5f, 0.5f, 1.5f, -0.5f, -2.5f});
  given("no_number", {1, kNone, -2, 0.25f});
  given("tiny", {kTiny, -kTiny, 0});
  given("infinite", {1, std::numeric_limits<float>::infinity(), -3});
}

/// Of sums that single precision does not hold.
void add_sums(Cases& cases) {
  Cast cast;
  cast.to = DType::kF32;
  for (const int64_t size : {1, 77, 40000})
    cases.add("sums_{}", cast, size)
        .input(ints(DType::kI32, {size}, -2147483648.0, 2147483647.0))
        .tolerance(0, 0);
}

}  // namespace

Cases integer_product_cases() {
  Cases cases;
  add_sums(cases);
  add_matmuls(cases);
  add_convs(cases);
  add_ranges(cases);
  return cases;
}

}  // namespace pochade

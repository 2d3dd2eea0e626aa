#include <algorithm>
#include <limits>

#include "kernels/testing.h"

namespace pochade {
namespace {

class Conv : public KernelTest {};
POCHADE_KERNEL_TESTS(Conv);
class Gemm : public KernelTest {};
POCHADE_KERNEL_TESTS(Gemm);
using Floats = GuardedBuffer<float>;

std::string text(const ConvShape& s) {
  const auto n = [](auto v) { return std::to_string(v) + " "; };
  return "h,w,c,o " + n(s.height) + n(s.width) + n(s.in_channels) + n(s.out_channels) + "out " +
         n(s.out_height) + n(s.out_width) + "kernel " + n(s.kernel_h) + n(s.kernel_w) + "stride " +
         n(s.stride_h) + n(s.stride_w) + "dilation " + n(s.dilation_h) + n(s.dilation_w) + "pad " +
         n(s.pad_top) + n(s.pad_left) + "groups " + n(s.groups) + "up " + n(s.upsample);
}

/// Where a padded axis reads from; -1: zero.
ptrdiff_t place(PadMode mode, ptrdiff_t i, ptrdiff_t n) {
  if (i >= 0 && i < n) return i;
  if (mode == PadMode::kZero) return -1;
  if (mode == PadMode::kEdge) return i < 0 ? 0 : n - 1;
  return i < 0 ? -i : 2 * (n - 1) - i;
}

/// The definition in conv_args.h, in double precision. Weights are O, kh, kw, I/groups.
std::vector<double> oracle(const ConvShape& s, const ConvArgs& a, const std::vector<float>& w,
                           size_t y_floats, const std::vector<float>& y_before) {
  std::vector<double> y(y_before.begin(), y_before.end());
  y.resize(y_floats);
  const size_t in = s.in_channels / s.groups, out = s.out_channels / s.groups;
  const ptrdiff_t height = s.height * s.upsample, width = s.width * s.upsample;
  for (size_t n = 0; n < s.batch; ++n)
    for (size_t oh = 0; oh < s.out_height; ++oh)
      for (size_t ow = 0; ow < s.out_width; ++ow)
        for (size_t o = 0; o < s.out_channels; ++o) {
          const size_t at = n * s.y_image + oh * s.y_row + ow * s.y_pixel + o;
          double sum = a.bias == nullptr ? 0 : a.bias[o];
          if (a.residual != nullptr) sum += a.residual[at];
          for (size_t r = 0; r < s.kernel_h; ++r)
            for (size_t t = 0; t < s.kernel_w; ++t) {
              const ptrdiff_t ih = place(
                  s.pad_mode, static_cast<ptrdiff_t>(oh * s.stride_h + r * s.dilation_h) - s.pad_top, height);
              const ptrdiff_t iw = place(
                  s.pad_mode, static_cast<ptrdiff_t>(ow * s.stride_w + t * s.dilation_w) - s.pad_left, width);
              if (ih < 0 || iw < 0) continue;
              for (size_t c = 0; c < in; ++c) {
                const size_t channel = o / out * in + c;
                double x =
                    a.x[n * s.x_image + ih / s.upsample * s.x_row + iw / s.upsample * s.x_pixel + channel];
                if (s.transforms_input) {
                  if (a.scale != nullptr)
                    x = x * a.scale[n * a.scale_image + channel] + a.shift[n * a.scale_image + channel];
                  x = activation_oracle(a.activation_in, x);
                }
                sum += x * w[((o * s.kernel_h + r) * s.kernel_w + t) * in + c];
              }
            }
          y[at] = activation_oracle(a.activation, sum);
        }
  return y;
}

struct Extras {
  bool bias = true;
  bool residual = false;
  bool in_place = false;
  bool scale = false;
  Activation activation{};
  Activation activation_in{};
};

/// Runs one convolution in guarded memory, as a whole and divided, and compares it with the oracle.
void check(const Kernels& k, ConvShape shape, const Extras& extras = {}) {
  SCOPED_TRACE(text(shape));
  if (shape.out_height == 0)
    shape.out_height =
        (shape.height * shape.upsample + 2 * shape.pad_top - (shape.kernel_h - 1) * shape.dilation_h - 1) /
            shape.stride_h +
        1;
  if (shape.out_width == 0)
    shape.out_width =
        (shape.width * shape.upsample + 2 * shape.pad_left - (shape.kernel_w - 1) * shape.dilation_w - 1) /
            shape.stride_w +
        1;
  shape.transforms_input = extras.scale || extras.activation_in.kind != ActivationKind::kNone;
  ConvPlan plan;
  k.conv_plan(shape, &plan);
  const ConvShape& s = plan.shape;
  const size_t in = s.in_channels / s.groups;
  const size_t x_floats =
      (s.batch - 1) * s.x_image + (s.height - 1) * s.x_row + (s.width - 1) * s.x_pixel + s.in_channels;
  const size_t y_floats = (s.batch - 1) * s.y_image + (s.out_height - 1) * s.y_row +
                          (s.out_width - 1) * s.y_pixel + s.out_channels;
  const std::vector<float> w = numbers(s.out_channels * s.kernel_h * s.kernel_w * in, 2);
  Floats x(numbers(x_floats, 1)), bias(numbers(s.out_channels, 3)), residual(numbers(y_floats, 4)),
      y(y_floats);
  Floats scale(numbers(s.in_channels * s.batch, 5)), shift(numbers(s.in_channels * s.batch, 6));
  Floats weights(w), packed(plan.packed_floats);
  GuardedBuffer<char> scratch(plan.scratch_bytes);  // a multiple of 64: aligned

  const ptrdiff_t kw = s.kernel_w, ic = in;
  k.conv_pack(plan, {weights.data(), static_cast<ptrdiff_t>(s.kernel_h) * kw * ic, kw * ic, ic, 1},
              packed.data(), {0, s.groups});
  for (size_t i = 0; i < packed.size(); ++i)
    ASSERT_FALSE(std::isnan(packed[i])) << "packed float " << i << " was not written";

  ConvArgs args{x.data(),
                packed.data(),
                extras.bias ? bias.data() : nullptr,
                extras.residual ? residual.data() : nullptr,
                y.data(),
                extras.activation};
  if (extras.scale) {
    args.scale = scale.data();
    args.shift = shift.data();
    args.scale_image = s.in_channels;
  }
  args.activation_in = extras.activation_in;
  const std::vector<float> before(
      y_floats, std::numeric_limits<float>::quiet_NaN());  // what a strided store must leave alone
  const std::vector<double> want = oracle(s, args, w, y_floats, before);
  run_divided(plan.tasks, y, [&](Range tasks) { k.conv(plan, args, tasks, scratch.data()); });
  const double tolerance = 2e-6 * std::sqrt(static_cast<double>(s.kernel_h * s.kernel_w * in)) + 1e-6;
  expect_near(want, y.data(), tolerance, tolerance, plan.algorithm);
  if (extras.residual && extras.in_place) {
    args.residual = args.y;
    std::memcpy(y.data(), residual.data(), y_floats * sizeof(float));
    const std::vector<double> again = oracle(s, args, w, y_floats, residual.copy());
    k.conv(plan, args, {0, plan.tasks}, scratch.data());
    expect_near(again, y.data(), tolerance, tolerance, "residual in place");
  }
}

TEST_P(Conv, EveryChannelCountAroundTheTiles) {
  for (size_t c : {1, 3, 4, 7, 16})
    for (size_t o : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 65, 100})
      check(k(), {.height = 5,
                  .width = 6,
                  .in_channels = c,
                  .out_channels = o,
                  .kernel_h = 3,
                  .kernel_w = 3,
                  .pad_top = 1,
                  .pad_left = 1});
}

TEST_P(Conv, EveryWidthAroundTheTiles) {
  for (size_t width = 1; width <= 33; ++width)
    for (size_t o : {3, 17, 40})
      check(k(), {.height = 3,
                  .width = width,
                  .in_channels = 5,
                  .out_channels = o,
                  .kernel_h = 3,
                  .kernel_w = 3,
                  .pad_top = 1,
                  .pad_left = 1});
}

TEST_P(Conv, KernelsStridesAndDilations) {
  for (size_t size : {1, 2, 3, 5, 9})
    for (size_t stride : {1, 2, 3})
      for (size_t dilation : {1, 2})
        for (size_t o : {3, 20})
          check(k(), {.batch = 2,
                      .height = 19,
                      .width = 21,
                      .in_channels = 6,
                      .out_channels = o,
                      .kernel_h = size,
                      .kernel_w = size,
                      .stride_h = stride,
                      .stride_w = stride,
                      .dilation_h = dilation,
                      .dilation_w = dilation,
                      .pad_top = static_cast<ptrdiff_t>(size / 2),
                      .pad_left = static_cast<ptrdiff_t>(size / 2)});
}

TEST_P(Conv, UnevenKernelsAndPads) {
  for (ptrdiff_t top : {-2, 0, 3})
    for (ptrdiff_t left : {-1, 0, 4})
      for (size_t extra : {0, 5})
        check(k(), {.height = 9,
                    .width = 11,
                    .in_channels = 3,
                    .out_height = 7 + extra,
                    .out_width = 6 + extra,
                    .out_channels = 18,
                    .kernel_h = 2,
                    .kernel_w = 5,
                    .stride_h = 1,
                    .stride_w = 2,
                    .pad_top = top,
                    .pad_left = left});
}

TEST_P(Conv, Groups) {
  for (size_t groups : {2, 4})
    for (size_t each : {1, 3, 8, 17})
      for (size_t size : {1, 3})
        check(k(), {.batch = 2,
                    .height = 6,
                    .width = 7,
                    .in_channels = groups * each,
                    .out_channels = groups * (each + 2),
                    .kernel_h = size,
                    .kernel_w = size,
                    .pad_top = static_cast<ptrdiff_t>(size / 2),
                    .pad_left = static_cast<ptrdiff_t>(size / 2),
                    .groups = groups});
}

TEST_P(Conv, ReflectAndEdgePads) {
  for (PadMode mode : {PadMode::kReflect, PadMode::kEdge})
    for (size_t stride : {1, 2})
      for (size_t o : {3, 19})
        check(k(), {.batch = 2,
                    .height = 11,
                    .width = 10,
                    .in_channels = 4,
                    .out_channels = o,
                    .kernel_h = 9,
                    .kernel_w = 9,
                    .stride_h = stride,
                    .stride_w = stride,
                    .pad_top = 4,
                    .pad_left = 4,
                    .pad_mode = mode});
  // Vertical padding only: read in place.
  check(k(), {.height = 8,
              .width = 10,
              .in_channels = 4,
              .out_height = 8,
              .out_width = 8,
              .out_channels = 9,
              .kernel_h = 3,
              .kernel_w = 3,
              .pad_top = 1,
              .pad_mode = PadMode::kReflect});
}

TEST_P(Conv, TransformsItsInput) {
  for (size_t upsample : {1, 2, 3})
    for (PadMode mode : {PadMode::kZero, PadMode::kReflect})
      for (size_t c : {3, 20})
        check(k(),
              {.batch = 2,
               .height = 6,
               .width = 5,
               .in_channels = c,
               .out_channels = 18,
               .kernel_h = 3,
               .kernel_w = 3,
               .pad_top = 1,
               .pad_left = 1,
               .pad_mode = mode,
               .upsample = upsample},
              {.scale = true, .activation_in = {ActivationKind::kRelu}});
  check(k(), {.height = 6, .width = 5, .in_channels = 7, .out_channels = 4, .groups = 1},
        {.activation_in = {ActivationKind::kTanh}});
  // Pixels of 4096 bytes are copied to places a little further apart.
  check(k(),
        {.height = 3,
         .width = 4,
         .in_channels = 1024,
         .out_channels = 5,
         .kernel_h = 1,
         .kernel_w = 3,
         .pad_left = 1},
        {.scale = true, .activation_in = {ActivationKind::kRelu}});
}

TEST_P(Conv, EveryActivationAndResidual) {
  for (const Activation& activation : all_activations())
    for (size_t o : {3, 37})
      check(k(),
            {.height = 7,
             .width = 9,
             .in_channels = 5,
             .out_channels = o,
             .kernel_h = 3,
             .kernel_w = 3,
             .pad_top = 1,
             .pad_left = 1},
            {.bias = o == 3, .residual = true, .in_place = true, .activation = activation});
}

TEST_P(Conv, OneByOne) {
  for (size_t size : {1, 7, 15})
    for (size_t c : {1, 13, 64, 1024})
      for (size_t o : {2, 33})
        check(k(), {.batch = 2, .height = size, .width = size, .in_channels = c, .out_channels = o},
              {.residual = true, .in_place = true});
}

TEST_P(Conv, LongSumsAreCutAndDeepRowsAreSpread) {
  check(k(),
        {.height = 7,
         .width = 7,
         .in_channels = 512,
         .out_channels = 70,
         .kernel_h = 3,
         .kernel_w = 3,
         .pad_top = 1,
         .pad_left = 1},
        {.residual = true, .in_place = true, .activation = {ActivationKind::kRelu}});
  check(k(), {.height = 4,
              .width = 5,
              .in_channels = 1024,
              .out_channels = 40,
              .kernel_h = 3,
              .kernel_w = 3,
              .pad_top = 1,
              .pad_left = 1});
  check(k(), {.height = 3,
              .width = 5,
              .in_channels = 2048,
              .out_channels = 3,
              .kernel_h = 3,
              .kernel_w = 3,
              .pad_top = 1,
              .pad_left = 1});
}

TEST_P(Conv, WindowsThatSeeOnlyPadding) {
  check(k(),
        {.height = 2,
         .width = 2,
         .in_channels = 3,
         .out_height = 9,
         .out_width = 9,
         .out_channels = 18,
         .kernel_h = 2,
         .kernel_w = 2,
         .pad_top = 4,
         .pad_left = 4},
        {.activation = {ActivationKind::kSigmoid}});
  check(k(), {.height = 2,
              .width = 2,
              .in_channels = 600,
              .out_height = 9,
              .out_width = 9,
              .out_channels = 18,
              .kernel_h = 3,
              .kernel_w = 3,
              .dilation_h = 2,
              .dilation_w = 2,
              .pad_top = 4,
              .pad_left = 4});
}

TEST_P(Conv, SlicesOfWiderTensorsAndInterleavedPixels) {
  // One phase of a ConvTranspose: every other pixel of every other row.
  check(k(), {.height = 5,
              .width = 6,
              .in_channels = 4,
              .out_height = 5,
              .out_width = 6,
              .out_channels = 19,
              .kernel_h = 2,
              .kernel_w = 2,
              .pad_top = 1,
              .pad_left = 1,
              .y_pixel = 2 * 19,
              .y_row = 2 * 2 * 6 * 19,
              .y_image = 4 * 30 * 19});
  check(k(),
        {.batch = 2,
         .height = 5,
         .width = 6,
         .in_channels = 4,
         .out_height = 5,
         .out_width = 6,
         .out_channels = 3,
         .kernel_h = 3,
         .kernel_w = 3,
         .pad_top = 1,
         .pad_left = 1,
         .x_pixel = 9,
         .y_pixel = 7},
        {.residual = true});
  check(k(), {.batch = 2,
              .height = 5,
              .width = 6,
              .in_channels = 5,
              .out_height = 5,
              .out_width = 6,
              .out_channels = 17,
              .x_pixel = 9,
              .y_pixel = 40});
  check(k(), {.batch = 2,
              .height = 5,
              .width = 6,
              .in_channels = 5,
              .out_height = 3,
              .out_width = 4,
              .out_channels = 17,
              .kernel_h = 3,
              .kernel_w = 3,
              .x_pixel = 9});
}

TEST_P(Conv, OneByOneOfImagesWithGapsBetween) {
  check(k(), {.batch = 3,
              .height = 5,
              .width = 6,
              .in_channels = 4,
              .out_channels = 19,
              .x_image = 5 * 6 * 4 + 3,
              .y_image = 5 * 6 * 19 + 8});
}

TEST_P(Conv, ShapesByChance) {
  uint32_t state = 12345;
  const auto pick = [&](size_t low, size_t high) {
    state = state * 1664525u + 1013904223u;
    return low + (state >> 8) % (high - low + 1);
  };
  for (int i = 0; i < 250; ++i) {
    ConvShape s;
    s.batch = pick(1, 2);
    s.groups = pick(0, 3) == 0 ? pick(2, 3) : 1;
    s.in_channels = s.groups * pick(1, 20);
    s.out_channels = s.groups * pick(1, 40);
    s.upsample = pick(0, 4) == 0 ? 2 : 1;
    s.height = pick(1, 14);
    s.width = pick(1, 30);
    s.kernel_h = pick(1, 5);
    s.kernel_w = pick(1, 5);
    s.stride_h = pick(1, 3);
    s.stride_w = pick(1, 3);
    s.dilation_h = pick(1, 2);
    s.dilation_w = pick(1, 2);
    s.out_height = pick(1, 12);
    s.out_width = pick(1, 31);
    s.pad_top = static_cast<ptrdiff_t>(pick(0, 6)) - 2;
    s.pad_left = static_cast<ptrdiff_t>(pick(0, 6)) - 2;
    if (pick(0, 2) == 0) s.x_pixel = s.in_channels + pick(1, 5);
    if (pick(0, 2) == 0) s.y_pixel = s.out_channels + pick(1, 5);
    if (pick(0, 3) == 0) s.pad_mode = PadMode::kEdge;
    Extras extras;
    extras.bias = pick(0, 1) == 0;
    extras.residual = extras.in_place = pick(0, 2) == 0;
    extras.scale = pick(0, 3) == 0;
    extras.activation = all_activations()[pick(0, all_activations().size() - 1)];
    check(k(), s, extras);
  }
}

TEST_P(Conv, ManyTasks) {
  check(k(), {.batch = 2,
              .height = 40,
              .width = 45,
              .in_channels = 16,
              .out_channels = 80,
              .kernel_h = 3,
              .kernel_w = 3,
              .pad_top = 1,
              .pad_left = 1});
  check(k(), {.height = 61,
              .width = 30,
              .in_channels = 3,
              .out_channels = 33,
              .kernel_h = 5,
              .kernel_w = 5,
              .stride_h = 2,
              .stride_w = 2,
              .pad_top = 2,
              .pad_left = 2});
}

void check_gemm(const Kernels& k, size_t m, size_t n, size_t depth, bool transposed,
                const Extras& extras = {}) {
  SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(depth));
  const GemmShape shape{m, n, depth, depth + (m > 1 ? 3 : 0), n + (m > 1 ? 2 : 0)};
  GemmPlan plan;
  k.gemm_plan(shape, &plan);
  const size_t c_floats = m == 0 || n == 0 ? 0 : (m - 1) * shape.ldc + n;
  Floats a(numbers(m == 0 ? 0 : (m - 1) * shape.lda + depth, 1)), b(numbers(depth * n, 2)),
      bias(numbers(n, 3)), residual(numbers(c_floats, 4)), c(c_floats), packed(plan.packed_floats);
  GuardedBuffer<char> scratch(plan.scratch_bytes);
  const ptrdiff_t k_stride = transposed ? 1 : n, n_stride = transposed ? depth : 1;
  const size_t units = k.gemm_pack_units(plan);
  for (size_t i = units; i-- > 0;)
    k.gemm_pack(plan, {b.data(), k_stride, n_stride}, packed.data(), {i, i + 1});
  for (size_t i = 0; i < packed.size(); ++i) ASSERT_FALSE(std::isnan(packed[i]));
  const GemmArgs args{a.data(),
                      packed.data(),
                      extras.bias ? bias.data() : nullptr,
                      extras.residual ? residual.data() : nullptr,
                      c.data(),
                      extras.activation};
  std::vector<double> want(c_floats, std::nan(""));
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      double sum = extras.bias ? bias[j] : 0;
      if (extras.residual) sum += residual[i * shape.ldc + j];
      for (size_t p = 0; p < depth; ++p)
        sum += static_cast<double>(a[i * shape.lda + p]) * b[p * k_stride + j * n_stride];
      want[i * shape.ldc + j] = activation_oracle(extras.activation, sum);
    }
  run_divided(plan.tasks, c, [&](Range tasks) { k.gemm(plan, args, tasks, scratch.data()); });
  const double tolerance = 2e-6 * std::sqrt(static_cast<double>(depth)) + 1e-6;
  expect_near(want, c.data(), tolerance, tolerance, plan.algorithm);
}

TEST_P(Gemm, SmallShapes) {
  for (size_t m : {1, 2, 5, 6, 7, 13, 14, 15, 29, 57})
    for (size_t n : {1, 2, 3, 4, 8, 9, 16, 17, 33, 47, 64, 81})
      for (size_t depth : {1, 3, 4, 17, 64}) check_gemm(k(), m, n, depth, (m + n) % 2 == 0);
}

TEST_P(Gemm, LargeShapes) {
  check_gemm(k(), 200, 150, 700, false, {.residual = true, .activation = {ActivationKind::kRelu}});
  check_gemm(k(), 1, 1000, 1280, true);
  check_gemm(k(), 3, 257, 2048, true, {.activation = {ActivationKind::kGelu}});
  check_gemm(k(), 300, 3, 512, true);
  check_gemm(k(), 77, 130, 1021, false, {.bias = false});
}

TEST_P(Gemm, EmptyShapes) {
  check_gemm(k(), 0, 5, 4, false);
  check_gemm(k(), 5, 0, 4, false);
  check_gemm(k(), 3, 20, 0, false, {.residual = true, .activation = {ActivationKind::kRelu}});
  check_gemm(k(), 3, 2, 0, false);
}

TEST_P(Gemm, LeadingDimensionOfAPage) {
  const size_t m = 40, n = 70, depth = 1024;
  GemmPlan plan;
  k().gemm_plan({m, n, depth, depth, n}, &plan);
  Floats a(numbers(m * depth, 1)), b(numbers(depth * n, 2)), c(m * n), packed(plan.packed_floats);
  GuardedBuffer<char> scratch(plan.scratch_bytes);
  k().gemm_pack(plan, {b.data(), static_cast<ptrdiff_t>(n), 1}, packed.data(),
                {0, k().gemm_pack_units(plan)});
  const GemmArgs args{a.data(), packed.data(), nullptr, nullptr, c.data(), {}};
  std::vector<double> want(m * n);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j)
      for (size_t p = 0; p < depth; ++p)
        want[i * n + j] += static_cast<double>(a[i * depth + p]) * b[p * n + j];
  run_divided(plan.tasks, c, [&](Range tasks) { k().gemm(plan, args, tasks, scratch.data()); });
  expect_near(want, c.data(), 1e-4, 1e-4, plan.algorithm);
}

TEST(GemmBits, AreThoseOfOneChainOfSumsOnEveryIsaThatFuses) {
  // Tiles, blocks and vector lengths must not show in the result.
  std::vector<std::vector<float>> results;
  for (const Isa isa : supported_isas()) {
    if (isa == Isa::kScalar) continue;
    const Kernels& k = *kernels(isa);
    GemmPlan plan;
    k.gemm_plan({31, 45, 900, 900, 45}, &plan);
    const std::vector<float> a = numbers(31 * 900, 1), b = numbers(900 * 45, 2);
    std::vector<float> packed(plan.packed_floats), c(31 * 45);
    std::vector<char> scratch(plan.scratch_bytes + 64);
    k.gemm_pack(plan, {b.data(), 45, 1}, packed.data(), {0, k.gemm_pack_units(plan)});
    const GemmArgs args{a.data(), packed.data(), nullptr, nullptr, c.data(), {}};
    k.gemm(plan, args, {0, plan.tasks},
           scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64));
    results.push_back(c);
  }
  for (size_t i = 1; i < results.size(); ++i) EXPECT_EQ(results[0], results[i]);
  for (const std::vector<float>& result : results) {
    const std::vector<float> a = numbers(31 * 900, 1), b = numbers(900 * 45, 2);
    float sum = 0;
    for (size_t p = 0; p < 900; ++p) sum = std::fma(a[30 * 900 + p], b[p * 45 + 44], sum);
    EXPECT_EQ(sum, result[30 * 45 + 44]);
  }
}

}  // namespace
}  // namespace pochade

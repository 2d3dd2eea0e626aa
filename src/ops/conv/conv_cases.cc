#include "ops/cases.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"

namespace pochade {
namespace {

using Kind = Activation::Kind;

const std::vector<Activation> kActivations = {
    {Kind::kRelu, 0, 0},      {Kind::kClip, -0.5f, 0.5f}, {Kind::kLeakyRelu, 0.1f, 0},
    {Kind::kSigmoid, 0, 0},   {Kind::kTanh, 0, 0},        {Kind::kHardSigmoid, 0.2f, 0.5f},
    {Kind::kHardSwish, 0, 0}, {Kind::kSilu, 0, 0},        {Kind::kGelu, 0, 0},
    {Kind::kElu, 1, 0},
};

Window same(std::vector<int64_t> kernel, int64_t stride = 1, int64_t dilation = 1) {
  Window window;
  for (const int64_t k : kernel) {
    window.strides.push_back(stride);
    window.dilations.push_back(dilation);
    window.pads_begin.push_back((k - 1) * dilation / 2);
    window.pads_end.push_back((k - 1) * dilation / 2);
  }
  return window;
}

/// Sums of `taps` products of numbers in [-1, 1] grow like sqrt(taps); so does the rounding of a float sum.
double tolerance(int64_t taps) {
  return 2e-6 * std::max<double>(4, static_cast<double>(taps) / 8);
}

Conv conv(Window window, int64_t groups = 1) {
  Conv op;
  op.window = std::move(window);
  op.groups = groups;
  return op;
}

Case& add(Cases& cases, const Conv& op, const Shape& x, const Shape& w, bool bias = true) {
  Case& test = cases.add("x{}_w{}_{}{}", op, x, w, op.fields_text(), bias ? "" : "_no_bias");
  test.input(f32(x)).weight(f32(w));
  if (bias) test.weight(f32({w[0]}));
  const double allowed = tolerance(w.product(1, w.rank()));
  return test.tolerance(allowed, allowed);
}

void add_plain(Cases& cases) {
  for (const int64_t channels : {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64})
    for (const int64_t kernel : {1, 3})
      add(cases, conv(same({kernel, kernel})), {1, 9, 11, channels},
          {channels == 1 ? 5 : channels, kernel, kernel, channels});
  for (const int64_t kernel : {2, 5, 7, 9})
    for (const int64_t out : {3, 16, 32})
      add(cases, conv(same({kernel, kernel})), {1, 12, 17, 3}, {out, kernel, kernel, 3});
  // Widths around every vector and tile length.
  for (const int64_t width : {1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17, 27, 28, 29})
    add(cases, conv(same({3, 3})), {1, 3, width, 8}, {24, 3, 3, 8});
  for (const int64_t height : {1, 2, 3, 4, 5})
    add(cases, conv(same({3, 3})), {2, height, 6, 5}, {6, 3, 3, 5});
  // Numbers of outputs around the tiles' edges, with a 1x1 and a wide kernel.
  for (const int64_t out :
       {1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 128})
    for (const int64_t kernel : {1, 3})
      add(cases, conv(same({kernel, kernel})), {1, 5, 7, 6}, {out, kernel, kernel, 6});
  // More input channels than one block of the sum.
  add(cases, conv(same({1, 1})), {1, 6, 6, 1000}, {40, 1, 1, 1000});
  add(cases, conv(same({3, 3})), {1, 6, 6, 300}, {20, 3, 3, 300});
  add(cases, conv(same({3, 3})), {1, 4, 4, 3}, {8, 3, 3, 3}, false);
  add(cases, conv(same({1, 1})), {3, 4, 4, 3}, {8, 1, 1, 3}, false);
}

void add_windows(Cases& cases) {
  for (const int64_t kernel : {1, 2, 3, 5, 7})
    for (const int64_t stride : {2, 3})
      for (const int64_t channels : {3, 16})
        add(cases, conv(same({kernel, kernel}, stride)), {1, 15, 18, channels},
            {channels + 1, kernel, kernel, channels});
  for (const int64_t dilation : {2, 3, 5})
    for (const int64_t stride : {1, 2})
      add(cases, conv(same({3, 3}, stride, dilation)), {1, 13, 14, 7}, {9, 3, 3, 7});
  Window uneven;
  uneven.strides = {1, 2};
  uneven.dilations = {2, 1};
  uneven.pads_begin = {0, 3};
  uneven.pads_end = {2, 1};
  add(cases, conv(uneven), {1, 11, 12, 4}, {5, 3, 5, 4});
  Window cropping;
  cropping.pads_begin = {-1, 2};
  cropping.pads_end = {1, -2};
  add(cases, conv(cropping), {1, 9, 10, 4}, {5, 3, 3, 4});
  Window wide;  // outputs that see nothing but padding
  wide.pads_begin = {4, 4};
  wide.pads_end = {4, 4};
  add(cases, conv(wide), {1, 3, 3, 4}, {5, 3, 3, 4});
  for (const AutoPad pad : {AutoPad::kSameUpper, AutoPad::kSameLower})
    for (const int64_t stride : {1, 2}) {
      Window automatic;
      automatic.strides = {stride, stride};
      automatic.auto_pad = pad;
      add(cases, conv(automatic), {1, 8, 7, 3}, {4, 2, 4, 3});
    }
  for (const PadMode mode : {PadMode::kReflect, PadMode::kEdge})
    for (const int64_t kernel : {3, 9}) {
      Conv op = conv(same({kernel, kernel}));
      op.pad_mode = mode;
      add(cases, op, {2, 10, 11, 3}, {8, kernel, kernel, 3});
      op.groups = 6;  // depthwise
      add(cases, op, {1, 10, 11, 6}, {6, kernel, kernel, 1});
      op.groups = 1;
      op.window = same({kernel});
      add(cases, op, {1, 17, 3}, {8, kernel, 3});
    }
}

void add_groups(Cases& cases) {
  for (const int64_t channels : {2, 7, 8, 9, 15, 16, 17, 31, 33, 64})
    for (const int64_t stride : {1, 2})
      add(cases, conv(same({3, 3}, stride), channels), {1, 9, 10, channels}, {channels, 3, 3, 1});
  for (const int64_t kernel : {1, 2, 5, 7})
    add(cases, conv(same({kernel, kernel}), 12), {1, 9, 16, 12}, {12, kernel, kernel, 1});
  add(cases, conv(same({3, 3}, 1, 2), 12), {2, 9, 16, 12}, {12, 3, 3, 1});
  add(cases, conv(same({3, 3}), 5), {1, 6, 6, 5}, {15, 3, 3, 1});
  add(cases, conv(same({3, 3}, 2), 4), {2, 9, 7, 12}, {24, 3, 3, 3});
  add(cases, conv(same({3, 3}), 2), {2, 9, 7, 32}, {34, 3, 3, 16});
  add(cases, conv(same({1, 1}), 3), {1, 5, 5, 9}, {6, 1, 1, 3}, false);
  for (const Activation& act : kActivations) {
    Conv op = conv(same({3, 3}), 9);
    op.act = act;
    add(cases, op, {1, 5, 6, 9}, {9, 3, 3, 1}).tolerance(1e-5, 1e-5);
    op.groups = 1;
    add(cases, op, {1, 5, 6, 9}, {17, 3, 3, 9}).tolerance(5e-5, 5e-5);
    op.window = same({1, 1});
    add(cases, op, {1, 5, 6, 9}, {17, 1, 1, 9}).tolerance(1e-5, 1e-5);
  }
}

void add_other_ranks(Cases& cases) {
  for (const int64_t kernel : {1, 3, 4}) {
    add(cases, conv(same({kernel})), {2, 19, 5}, {7, kernel, 5});
    add(cases, conv(same({kernel}, 2, 2)), {1, 19, 5}, {7, kernel, 5});
  }
  add(cases, conv(same({3}), 6), {1, 19, 6}, {6, 3, 1});
  add(cases, conv(same({1, 3, 3})), {2, 3, 6, 5, 4}, {5, 1, 3, 3, 4});
  add(cases, conv(same({1, 3, 3}), 4), {2, 3, 6, 5, 4}, {4, 1, 3, 3, 1});
  for (const int64_t stride : {1, 2}) {
    Conv op = conv(same({3, 3, 3}, stride));
    add(cases, op, {2, 5, 6, 7, 4}, {9, 3, 3, 3, 4});
    op.act = {Kind::kRelu, 0, 0};
    add(cases, op, {1, 2, 6, 7, 4}, {9, 3, 3, 3, 4}, false);
    op.pad_mode = PadMode::kReflect;
    add(cases, op, {1, 4, 6, 7, 4}, {9, 3, 3, 3, 4});
  }
  Conv deep = conv(same({3, 3, 3}));  // planes of y that no plane of x reaches
  deep.window.pads_begin = {4, 1, 1};
  deep.window.pads_end = {4, 1, 1};
  deep.act = {Kind::kSigmoid, 0, 0};
  add(cases, deep, {1, 2, 4, 4, 3}, {5, 3, 3, 3, 3});
  add(cases, conv(same({3, 3, 3}), 2), {1, 4, 5, 5, 4}, {6, 3, 3, 3, 2});
}

/// A painter's layers at a quarter of its size.
void add_painter(Cases& cases) {
  Conv op = conv(same({9, 9}));
  op.act = {Kind::kRelu, 0, 0};
  add(cases, op, {1, 48, 45, 3}, {32, 9, 9, 3});
  add(cases, conv(same({3, 3}, 2)), {1, 48, 45, 32}, {64, 3, 3, 32});
  add(cases, conv({}), {1, 24, 23, 128}, {128, 3, 3, 128});
  op.act = {Kind::kTanh, 0, 0};
  add(cases, op, {1, 30, 47, 32}, {3, 9, 9, 32}).tolerance(1e-4, 1e-4);
  // Weights that are computed while running.
  Case& computed = cases.add("computed_weights", conv(same({3, 3})));
  computed.input(f32({1, 8, 9, 5})).input(f32({11, 3, 3, 5})).input(f32({11})).tolerance(3e-5, 3e-5);
  Case& computed_groups = cases.add("computed_weights_groups", conv(same({3, 3}), 2));
  computed_groups.input(f32({1, 8, 9, 6})).input(f32({10, 3, 3, 3})).tolerance(3e-5, 3e-5);
}

Case& add(Cases& cases, const ConvTranspose& op, const Shape& x, const Shape& w, bool bias = true) {
  Case& test = cases.add("x{}_w{}_{}{}", op, x, w, op.fields_text(), bias ? "" : "_no_bias");
  test.input(f32(x)).weight(f32(w));
  if (bias) test.weight(f32({w[0]}));
  const double allowed = tolerance(w.product(1, w.rank()));
  return test.tolerance(allowed, allowed);
}

void add_transposed(Cases& cases) {
  for (const int64_t kernel : {1, 2, 3, 4, 5, 7})
    for (const int64_t stride : {1, 2, 3}) {
      ConvTranspose op;
      op.window.strides = {stride, stride};
      add(cases, op, {1, 5, 6, 4}, {7, kernel, kernel, 4});
      if (kernel < 3) continue;
      op.window.pads_begin = {1, 0};
      op.window.pads_end = {0, 1};
      op.output_padding = {stride - 1, 0};
      op.act = {Kind::kRelu, 0, 0};
      add(cases, op, {2, 5, 6, 9}, {8, kernel, kernel, 9});
    }
  for (const int64_t dilation : {2, 3})
    for (const int64_t stride : {1, 2, 4}) {
      ConvTranspose op;
      op.window.strides = {stride, stride};
      op.window.dilations = {dilation, dilation};
      add(cases, op, {1, 5, 4, 3}, {5, 3, 3, 3}, false);
    }
  ConvTranspose larger;  // the last row and column are the bias alone
  larger.window.strides = {2, 2};
  larger.output_shape = {12, 13};
  larger.act = {Kind::kTanh, 0, 0};
  add(cases, larger, {1, 5, 5, 6}, {8, 3, 3, 6}).tolerance(2e-5, 2e-5);
  ConvTranspose smaller = larger;
  smaller.output_shape = {10, 9};
  smaller.window.auto_pad = AutoPad::kSameUpper;
  add(cases, smaller, {1, 5, 5, 6}, {8, 3, 3, 6}).tolerance(2e-5, 2e-5);
  ConvTranspose groups;
  groups.window.strides = {2, 2};
  groups.groups = 3;
  add(cases, groups, {1, 5, 5, 6}, {9, 3, 3, 2});
  ConvTranspose depthwise = groups;
  depthwise.groups = 6;
  add(cases, depthwise, {1, 5, 5, 6}, {6, 4, 4, 1});
  ConvTranspose line;
  line.window.strides = {2};
  add(cases, line, {2, 9, 5}, {4, 3, 5});
  ConvTranspose painter;
  painter.window.strides = {2, 2};
  painter.output_shape = {46, 47};
  add(cases, painter, {1, 22, 23, 64}, {32, 3, 3, 64});
}

}  // namespace

Cases conv_cases() {
  Cases cases;
  add_plain(cases);
  add_windows(cases);
  add_groups(cases);
  add_other_ranks(cases);
  add_painter(cases);
  add_transposed(cases);
  return cases;
}

}  // namespace pochade

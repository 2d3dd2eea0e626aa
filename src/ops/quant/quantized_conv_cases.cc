#include <cmath>

#include "ops/cases.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/matrix/gemm.h"
#include "ops/quant/quantized.h"

namespace pochade {
namespace {

using Kind = Activation::Kind;

/// The types of one layer.
struct Types {
  std::string_view name;
  DType x, w, y;
  int32_t x_zero, w_zero, y_zero;
  bool by_channel = false;
  Rounding rounding = Rounding::kTflite;
  Activation act{};
};

const std::vector<Types> kTypes = {
    {"int8", DType::kI8, DType::kI8, DType::kI8, -3, 0, 7, false},
    {"int8_channels", DType::kI8, DType::kI8, DType::kI8, -128, 0, -128, true},
    {"int8_relu6",
     DType::kI8,
     DType::kI8,
     DType::kI8,
     127,
     0,
     -20,
     true,
     Rounding::kTflite,
     {Kind::kClip, 0, 6}},
    {"uint8", DType::kU8, DType::kU8, DType::kU8, 128, 121, 5, false},
    {"uint8_ends", DType::kU8, DType::kU8, DType::kU8, 255, 0, 255, false, Rounding::kTflite, {Kind::kRelu}},
    {"onnx_int8", DType::kI8, DType::kI8, DType::kI8, 4, 0, -6, true, Rounding::kOnnx},
    {"onnx_mixed", DType::kU8, DType::kI8, DType::kU8, 100, 0, 3, true, Rounding::kOnnx, {Kind::kRelu}},
};

InputSpec all_of(DType dtype, const Shape& shape) {
  return dtype == DType::kU8 ? ints(dtype, shape, 0, 255) : ints(dtype, shape, -128, 127);
}

/// `terms` products are added up for each of `channels` outputs.
Quantized quantized(OpPtr op, const Types& types, int64_t channels, int64_t terms) {
  // Products of two random bytes spread by about 5400, the outputs by about 60.
  const auto y_scale = static_cast<float>(0.02 * 0.01 * 90 * std::sqrt(static_cast<double>(terms)));
  Quantized out;
  out.op = std::move(op);
  Quantized::Type w = quantized_type(types.w, 0.01f, types.w_zero);
  if (types.by_channel) {
    std::vector<float> scales;
    for (int64_t i = 0; i < channels; ++i) scales.push_back(0.004f + 0.001f * static_cast<float>(i % 9));
    w = quantized_type(types.w, scales, 0);
  }
  Quantized::Type bias = {DType::kI32, nullptr};
  if (types.rounding == Rounding::kOnnx) {  // says what it counts in; TFLite's need not
    std::vector<float> scales;
    for (const float scale : w.quantization->scale) scales.push_back(0.02f * scale);
    bias = quantized_type(DType::kI32, scales, 0);
  }
  out.in = {quantized_type(types.x, 0.02f, types.x_zero), w, bias};
  out.out = {quantized_type(types.y, y_scale, types.y_zero)};
  out.act = types.act;
  out.rounding = types.rounding;
  return out;
}

void add(Cases& cases, const Types& types, OpPtr op, const Shape& x, const Shape& w, bool bias = true) {
  const int64_t terms = w.product(1, w.rank());
  const std::string fields = op->fields_text();
  const std::string inner(op->name());
  Case& test = cases.add("{}_{}_x{}_w{}_{}{}", quantized(std::move(op), types, w[0], terms), inner,
                         types.name, x, w, fields, bias ? "" : "_no_bias");
  test.input(all_of(types.x, x)).weight(all_of(types.w, w));
  if (bias) test.weight(ints(DType::kI32, {w[0]}, -9000, 9000));
  // ONNX's oracle divides real sums: a half may round to either side.
  if (types.rounding == Rounding::kOnnx) test.tolerance(0, 1);
}

Conv conv(int64_t stride, int64_t dilation, int64_t groups) {
  Conv op;
  op.window.strides = {stride, stride};
  op.window.dilations = {dilation, dilation};
  op.window.auto_pad = AutoPad::kSameUpper;
  op.groups = groups;
  return op;
}

void add_transposed(Cases& cases, const Types& types) {
  struct Form {
    int64_t stride, kernel, dilation, pad, groups;
  };
  // The last one's stride leaves places that no tap reaches.
  for (const Form& form : {Form{1, 3, 1, 1, 1}, Form{2, 2, 1, 0, 1}, Form{2, 3, 1, 1, 1}, Form{2, 3, 2, 0, 2},
                           Form{3, 2, 1, 0, 1}}) {
    ConvTranspose op;
    op.window.strides = {form.stride, form.stride};
    op.window.dilations = {form.dilation, form.dilation};
    op.window.pads_begin = op.window.pads_end = {form.pad, form.pad};
    op.groups = form.groups;
    add(cases, types, make_op(op), {2, 5, 4, 6}, {8, form.kernel, form.kernel, 6 / form.groups},
        form.kernel != 2);
  }
}

}  // namespace

Cases quantized_conv_cases() {
  Cases cases;
  for (const Types& types : kTypes)
    for (const int64_t channels : {3, 16, 40})
      for (const int64_t kernel : {1, 3}) {
        add(cases, types, make_op(conv(1, 1, 1)), {2, 6, 7, channels}, {21, kernel, kernel, channels});
        add(cases, types, make_op(conv(2, 1, channels)), {2, 7, 6, channels}, {channels, kernel, kernel, 1},
            channels != 16);
      }
  for (const Types& types : kTypes) {
    add(cases, types, make_op(conv(1, 2, 1)), {1, 9, 9, 5}, {8, 3, 3, 5});
    add(cases, types, make_op(conv(1, 1, 2)), {1, 5, 5, 8}, {6, 3, 3, 4});
    add(cases, types, make_op(conv(1, 1, 3)), {1, 5, 5, 3}, {12, 3, 3, 1});
    add(cases, types, make_op(conv(2, 1, 1)), {1, 32, 33, 12}, {64, 5, 5, 12});
    add(cases, types, make_op(conv(1, 1, 1)), {2, 6, 24, 5}, {3, 5, 5, 5});  // pixels joined
    add(cases, types, make_op(conv(2, 1, 1)), {1, 7, 24, 3}, {2, 3, 3, 3}, false);
  }
  for (const Types& types : kTypes) add_transposed(cases, types);
  Gemm gemm;
  gemm.transpose_b = true;
  for (const Types& types : kTypes)
    for (const int64_t rows : {1, 5})
      for (const int64_t columns : {1, 10, 70})
        add(cases, types, make_op(gemm), {rows, 64}, {columns, 64}, rows == 1);
  return cases;
}

}  // namespace pochade

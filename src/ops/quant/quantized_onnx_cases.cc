// Operators between DequantizeLinear and QuantizeLinear.

#include "ops/cases.h"
#include "ops/conv/conv.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/unary.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/quantized.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/pad.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

const Activation kRelu = {Activation::Kind::kRelu, 0, 0};
const Activation kSix = {Activation::Kind::kClip, 0, 6};

/// `zero` is of int8.
Type byte(DType dtype, float scale, int zero) {
  return quantized_type(dtype, scale, dtype == DType::kI8 ? zero : zero + 128);
}

InputSpec bytes(DType dtype, const Shape& shape) {
  return dtype == DType::kI8 ? ints(dtype, shape, -128, 127) : ints(dtype, shape, 0, 255);
}

class List {
 public:
  /// A half may round to either side: the oracle divides real numbers.
  template <typename D>
  Case& add(const std::string& name, D op, std::vector<Type> in, Type out, Activation act = {}) {
    Quantized quantized;
    quantized.op = make_op(std::move(op));
    quantized.in = std::move(in);
    quantized.out = {std::move(out)};
    quantized.act = act;
    quantized.rounding = Rounding::kOnnx;
    return cases.add("onnx_{}", quantized, name).tolerance(0, 1);
  }
  Cases cases;
};

void add_binary(List& list, DType dtype) {
  const Type a = byte(dtype, 0.1f, -3), b = byte(dtype, 0.07f, 11);
  const Shape shapes[][2] = {{{2, 5, 7, 19}, {2, 5, 7, 19}}, {{3, 5, 16}, {16}}, {{1, 6, 1, 8}, {6, 5, 1}}};
  for (const auto& shape : shapes) {
    const auto name = [&](std::string_view op) { return format("{}_{}_{}", op, to_string(dtype), shape[1]); };
    const auto operands = [&](Case& test) {
      test.input(bytes(dtype, shape[0])).input(bytes(dtype, shape[1]));
    };
    operands(list.add(name("add"), Add(), {a, b}, byte(dtype, 0.12f, 5), kRelu));
    operands(list.add(name("sub"), Sub(), {a, b}, byte(dtype, 0.09f, -9)));
    operands(list.add(name("mul"), Mul(), {a, b}, byte(dtype, 0.8f, 2), kSix));
    operands(list.add(name("prelu"), PRelu(), {a, b}, byte(dtype, 0.8f, 2)));
  }
  const Shape shape{3, 5, 67};
  // A single constant of integers is the same function as one of a real number: x - 1, all of whose results
  // lie between two integers.
  const Type unit = byte(dtype, 0.007843138f, -128), half = byte(dtype, 0.003921569f, -128);
  const Tensor one = Tensor::scalar<int32_t>(dtype == DType::kI8 ? 127 : 255).cast(dtype).value();
  const auto constant = [&](Case& test) { test.input(bytes(dtype, shape)).weight(one).tolerance(0, 0); };
  constant(list.add(format("add_constant_{}", to_string(dtype)), Add(), {unit, half}, unit));
  constant(list.add(format("sub_constant_{}", to_string(dtype)), Sub(), {unit, half},
                    byte(dtype, 0.007843138f, -1)));
  constant(list.add(format("mul_constant_{}", to_string(dtype)), Mul(), {unit, half}, half));
  list.add(format("add_single_{}", to_string(dtype)), Add(), {a, Type()}, byte(dtype, 0.1f, 0))
      .input(bytes(dtype, shape))
      .weight(Tensor::scalar(0.33f));
  list.add(format("sub_from_single_{}", to_string(dtype)), Sub(), {Type(), a}, byte(dtype, 0.1f, 0))
      .weight(Tensor::scalar(0.33f))
      .input(bytes(dtype, shape));
  list.add(format("mul_single_{}", to_string(dtype)), Mul(), {a, Type()}, byte(dtype, 0.2f, 0))
      .input(bytes(dtype, shape))
      .weight(Tensor::scalar(1.7f));
  list.add(format("prelu_single_{}", to_string(dtype)), PRelu(), {a, Type()}, byte(dtype, 0.2f, 0))
      .input(bytes(dtype, shape))
      .weight(Tensor::scalar(0.2f));
}

void add_unary(List& list, DType dtype) {
  const Type x = byte(dtype, 0.05f, -7), y = byte(dtype, 0.04f, 3);
  const DType other = dtype == DType::kI8 ? DType::kU8 : DType::kI8;
  const auto name = [&](std::string_view op) { return format("{}_{}", op, to_string(dtype)); };
  const Shape shape{3, 5, 67};
  list.add(name("sigmoid"), Sigmoid(), {x}, byte(other, 1.0f / 256, -128)).input(bytes(dtype, shape));
  list.add(name("hard_sigmoid"), HardSigmoid(), {x}, byte(dtype, 1.0f / 256, -128))
      .input(bytes(dtype, shape));
  list.add(name("erf"), Erf(), {x}, byte(dtype, 1.0f / 128, 0)).input(bytes(dtype, shape));
  list.add(name("relu"), Relu(), {x}, y).input(bytes(dtype, shape));
  list.add(name("clip"), Clip(), {x, {}, {}}, y)
      .input(bytes(dtype, shape))
      .weight(Tensor::scalar(0.0f))
      .weight(Tensor::scalar(6.0f));
  list.add(name("requantize"), Identity(), {x}, byte(other, 0.02f, 3)).input(bytes(dtype, shape));
  list.add(name("flip"), Identity(), {x}, byte(other, 0.05f, -7)).input(bytes(dtype, shape));
  list.add(name("dequantize"), Identity(), {x}, Type()).input(bytes(dtype, shape)).tolerance(0, 0);
  list.add(name("quantize"), Identity(), {Type()}, y, kSix).input(f32({7, 45}, -9, 9)).tolerance(0, 0);
  list.add(name("quantize_ties"), Identity(), {Type()}, byte(dtype, 0.5f, 3))
      .input(InputSpec{DType::kF32,
                       {7},
                       0,
                       0,
                       false,
                       Tensor::of<float>({7}, {0.25f, -0.25f, 0.75f, 1.25f, 1e30f, -1e30f, 0})})
      .tolerance(0, 0);
}

void add_pools(List& list, DType dtype) {
  const Type x = byte(dtype, 0.05f, -7), y = byte(dtype, 0.04f, 3);
  for (const int64_t channels : {1, 8, 70})
    for (const bool count_padding : {false, true}) {
      AveragePool average;
      average.kernel = {3, 2};
      average.window.strides = {2, 1};
      average.window.auto_pad = AutoPad::kSameUpper;
      average.count_include_pad = count_padding;
      list.add(format("average_pool_{}_c{}_{}", to_string(dtype), channels, count_padding), average, {x}, y,
               kRelu)
          .input(bytes(dtype, {2, 7, 9, channels}));
    }
  MaxPool most;
  most.kernel = {3, 3};
  list.add(format("max_pool_{}", to_string(dtype)), most, {x}, x).input(bytes(dtype, {2, 7, 9, 33}));
  for (const std::vector<int64_t>& axes : std::vector<std::vector<int64_t>>{{1, 2}, {2}, {3}})
    list.add(format("mean_{}_{}", to_string(dtype), join(axes, "")), ReduceMean(), {x, {}},
             byte(dtype, 0.03f, 9))
        .input(bytes(dtype, {2, 40, 9, 66}))
        .weight(Tensor::of<int64_t>({static_cast<int64_t>(axes.size())}, axes));
  for (const int64_t depth : {1, 10, 300})
    list.add(format("softmax_{}_{}", to_string(dtype), depth), Softmax(), {byte(dtype, 0.11f, 4)},
             byte(dtype, 1.0f / 256, -128))
        .input(bytes(dtype, {3, depth}));
  BatchNormalization norm;
  for (const int64_t channels : {1, 35})
    list.add(format("batch_norm_{}_{}", to_string(dtype), channels), norm, {x, {}, {}, {}, {}}, y, kRelu)
        .input(bytes(dtype, {2, 3, 5, channels}))
        .weight(f32({channels}, -1, 2))
        .weight(f32({channels}, -1, 1))
        .weight(f32({channels}, -1, 1))
        .weight(f32({channels}, 0.5, 2));
}

void add_moves(List& list, DType dtype) {
  const Type x = byte(dtype, 0.05f, -7);
  Concat concat;
  concat.axis = 2;
  list.add(format("concat_{}", to_string(dtype)), concat, {x, byte(dtype, 0.08f, 3)}, byte(dtype, 0.07f, 1))
      .input(bytes(dtype, {2, 3, 5, 7}))
      .input(bytes(dtype, {2, 3, 4, 7}));
  list.add(format("pad_{}", to_string(dtype)), Pad(), {x, {}}, x)
      .input(bytes(dtype, {1, 5, 6, 9}))
      .weight(Tensor::of<int64_t>({8}, {0, 1, 2, 0, 0, 0, 1, 0}));
  for (const int64_t channels : {1, 21}) {
    Resize resize;
    resize.axes = {1, 2};
    list.add(format("nearest_{}_{}", to_string(dtype), channels), resize, {x, {}, {}, {}}, x)
        .input(bytes(dtype, {2, 6, 8, channels}))
        .no_input()
        .no_input()
        .weight(Tensor::of<int64_t>({2}, {13, 5}));
  }
}

void add_products(List& list, DType dtype) {
  const DType others[] = {DType::kI8, DType::kU8};
  for (const DType w : others)
    for (const int64_t rows : {1, 5})
      for (const bool by_column : {false, true}) {
        const Type weights =
            by_column ? quantized_type(w, std::vector<float>{0.01f, 0.02f, 0.013f, 0.03f, 0.002f}, 1)
                      : quantized_type(w, 0.011f, w == DType::kI8 ? 0 : 120);
        list.add(format("matmul_{}_{}_{}_{}", to_string(dtype), to_string(w), rows,
                        by_column ? "columns" : "tensor"),
                 MatMul(), {byte(dtype, 0.05f, -7), weights}, byte(dtype, 0.9f, 1))
            .input(bytes(dtype, {2, rows, 65}))
            .weight(bytes(w, {65, 5}));
      }
}

}  // namespace

Cases quantized_onnx_cases() {
  List list;
  for (const DType dtype : {DType::kI8, DType::kU8}) {
    add_binary(list, dtype);
    add_unary(list, dtype);
    add_pools(list, dtype);
    add_moves(list, dtype);
    add_products(list, dtype);
  }
  return std::move(list.cases);
}

}  // namespace pochade

#include <cmath>

#include "ops/cases.h"
#include "ops/conv/conv.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/index/order.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/integer_lstm.h"
#include "ops/quant/quantize_rows.h"
#include "ops/quant/quantized.h"
#include "ops/quant/tflite_functions.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/pad.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

constexpr DType kBytes[] = {DType::kI8, DType::kU8};

/// `zero` is of int8.
Type byte(DType dtype, float scale, int zero) {
  return quantized_type(dtype, scale, dtype == DType::kI8 ? zero : zero + 128);
}

InputSpec bytes(DType dtype, const Shape& shape) {
  return dtype == DType::kI8 ? ints(dtype, shape, -128, 127) : ints(dtype, shape, 0, 255);
}

template <typename D>
Quantized wrapped(D op, std::vector<Type> in, Type out, Activation act = {}) {
  Quantized quantized;
  quantized.op = make_op(std::move(op));
  quantized.in = std::move(in);
  quantized.out = {std::move(out)};
  quantized.act = act;
  return quantized;
}

void add_binary(Cases& cases) {
  struct Scales {
    float a, b, y;
  };
  const Shape shapes[][2] = {{{2, 5, 7, 19}, {2, 5, 7, 19}}, {{3, 5, 16}, {16}},
                             {{1, 6, 1, 8}, {6, 5, 1}},      {{70}, {1}},
                             {{20, 31, 19}, {19}},           {{3}, {1, 41, 20, 3}}};
  for (const DType dtype : kBytes)
    for (const Scales& s :
         {Scales{0.1f, 0.07f, 0.12f}, Scales{0.5f, 0.25f, 0.25f}, Scales{0.013f, 0.9f, 0.4f}})
      for (const auto& shape : shapes) {
        const std::vector<Type> in = {byte(dtype, s.a, -3), byte(dtype, s.b, 11)};
        const auto name = [&](std::string_view op) {
          return format("{}_{}_{}_{}", op, to_string(dtype), static_cast<int>(s.a * 1000), shape[1]);
        };
        const Activation relu = {Activation::Kind::kRelu, 0, 0}, six = {Activation::Kind::kClip, 0, 6};
        const auto add = [&](std::string_view op, const Quantized& quantized) {
          cases.add("{}", quantized, name(op)).input(bytes(dtype, shape[0])).input(bytes(dtype, shape[1]));
        };
        add("add", wrapped(Add(), in, byte(dtype, s.y, 5), relu));
        add("sub", wrapped(Sub(), in, byte(dtype, s.y, -9)));
        add("mul", wrapped(Mul(), in, byte(dtype, s.y * 9, 2), six));
        add("prelu", wrapped(PRelu(), in, byte(dtype, s.a * 9, 2)));
      }
  // No short formula gives all of these ties.
  cases
      .add("add_ties",
           wrapped(Add(), {byte(DType::kI8, 0.3f, 0), byte(DType::kI8, 0.1f, 0)}, byte(DType::kI8, 0.2f, 1)))
      .input(bytes(DType::kI8, {33, 40}))
      .input(bytes(DType::kI8, {33, 40}));
}

void add_rows(Cases& cases) {
  for (const bool symmetric : {true, false}) {
    QuantizeRows op;
    op.symmetric = symmetric;
    for (const Shape& shape : {Shape{3, 7, 9, 70}, Shape{5, 1}, Shape{40}})
      cases.add("rows_{}_{}", op, symmetric ? "symmetric" : "asymmetric", shape)
          .input(f32(shape, -9, 4))
          .tolerance(0, 0);
    cases.add("rows_of_zeros_{}", op, symmetric).input(f32({2, 9}, 0, 0)).tolerance(0, 0);
  }
}

void add_unary(Cases& cases) {
  for (const DType dtype : kBytes) {
    const Type x = byte(dtype, 0.05f, -7), y = byte(dtype, 0.04f, 3);
    const DType other = dtype == DType::kI8 ? DType::kU8 : DType::kI8;
    const auto add = [&](std::string_view name, const Quantized& quantized) -> Case& {
      return cases.add("{}_{}", quantized, name, to_string(dtype)).input(bytes(dtype, {3, 5, 67}));
    };
    add("relu", wrapped(Relu(), {x}, y));
    add("clip", wrapped(Clip(), {x, {}, {}}, y)).weight(Tensor::scalar(0.0f)).weight(Tensor::scalar(6.0f));
    add("leaky_relu", wrapped(LeakyRelu(), {x}, y));
    add("sigmoid", wrapped(Sigmoid(), {x}, byte(dtype, 1.0f / 256, -128)));
    add("hard_swish", wrapped(HardSwish(), {x}, y));
    add("requantize", wrapped(Identity(), {x}, y));
    add("requantize_to_other", wrapped(Identity(), {x}, byte(other, 0.02f, 3)));
    add("flip", wrapped(Identity(), {x}, byte(other, 0.05f, -7)));
    add("dequantize", wrapped(Identity(), {x}, Type())).tolerance(0, 0);
    cases.add("quantize_{}", wrapped(Identity(), {Type()}, y), to_string(dtype)).input(f32({7, 45}, -9, 9));
    cases.add("quantize_ties_{}", wrapped(Identity(), {Type()}, byte(dtype, 0.5f, 3)), to_string(dtype))
        .input(InputSpec{
            DType::kF32, {6}, 0, 0, false, Tensor::of<float>({6}, {0.25f, -0.25f, 0.75f, 1e30f, -1e30f, 0})});
  }
}

void add_pools(Cases& cases) {
  for (const DType dtype : kBytes) {
    const Type x = byte(dtype, 0.05f, -7);
    for (const int64_t channels : {1, 8, 70})
      for (const int64_t kernel : {2, 3, 7}) {
        AveragePool average;
        average.kernel = {kernel, kernel};
        average.window.strides = {2, 1};
        average.window.auto_pad = AutoPad::kSameUpper;
        MaxPool most;
        most.kernel = average.kernel;
        most.window = average.window;
        const Shape shape{2, 7, 9, channels};
        const Activation relu = {Activation::Kind::kRelu, 0, 0};
        cases
            .add("average_pool_{}_c{}_k{}", wrapped(average, {x}, x, relu), to_string(dtype), channels,
                 kernel)
            .input(bytes(dtype, shape));
        cases.add("max_pool_{}_c{}_k{}", wrapped(most, {x}, x), to_string(dtype), channels, kernel)
            .input(bytes(dtype, shape));
      }
    for (const std::vector<int64_t>& axes : std::vector<std::vector<int64_t>>{{1, 2}, {2}, {3}, {0, 1}})
      for (const int64_t size : {5, 40})
        cases
            .add("mean_{}_{}_{}", wrapped(ReduceMean(), {x, {}}, byte(dtype, 0.03f, 9)), to_string(dtype),
                 join(axes, ""), size)
            .input(bytes(dtype, {2, size, size + 1, 66}))
            .weight(Tensor::of<int64_t>({static_cast<int64_t>(axes.size())}, axes));
    for (const int64_t depth : {2, 10, 300})
      cases
          .add("softmax_{}_{}", wrapped(Softmax(), {byte(dtype, 0.11f, 4)}, byte(dtype, 1.0f / 256, -128)),
               to_string(dtype), depth)
          .input(bytes(dtype, {3, depth}));
    for (const int64_t depth : {1, 21, 256}) {
      ArgMax arg;
      arg.axis = -1;
      cases.add("arg_max_{}_{}", wrapped(arg, {x}, Type()), to_string(dtype), depth)
          .input(bytes(dtype, {4, 5, depth}));
    }
  }
}

void add_resizes(Cases& cases) {
  using Coordinates = Resize::Coordinates;
  for (const DType dtype : kBytes)
    for (const Coordinates coordinates :
         {Coordinates::kAsymmetric, Coordinates::kHalfPixel, Coordinates::kAlignCorners})
      for (const int64_t channels : {1, 21}) {
        Resize resize;
        resize.mode = Resize::Mode::kLinear;
        resize.coordinates = coordinates;
        resize.axes = {1, 2};
        const Type x = byte(dtype, 0.05f, -7);
        for (const Shape& size : {Shape{13, 9}, Shape{4, 17}})
          cases
              .add("resize_{}_{}_c{}_{}", wrapped(resize, {x, {}, {}, {}}, x), to_string(dtype),
                   to_string(coordinates), channels, size)
              .input(bytes(dtype, {2, 6, 8, channels}))
              .no_input()
              .no_input()
              .weight(Tensor::of<int64_t>({2}, {size[0], size[1]}));
      }
}

void add_moves(Cases& cases) {
  for (const DType dtype : kBytes) {
    const Type x = byte(dtype, 0.05f, -7);
    Concat concat;
    concat.axis = 2;
    cases.add("concat_same_{}", wrapped(concat, {x, x}, x), to_string(dtype))
        .input(bytes(dtype, {2, 3, 5, 7}))
        .input(bytes(dtype, {2, 3, 4, 7}));
    cases
        .add("concat_scaled_{}", wrapped(concat, {x, byte(dtype, 0.08f, 3)}, byte(dtype, 0.07f, 1)),
             to_string(dtype))
        .input(bytes(dtype, {2, 3, 5, 7}))
        .input(bytes(dtype, {2, 3, 4, 7}));
    cases.add("pad_{}", wrapped(Pad(), {x, {}}, x), to_string(dtype))
        .input(bytes(dtype, {1, 5, 6, 9}))
        .weight(Tensor::of<int64_t>({8}, {0, 1, 2, 0, 0, 0, 1, 0}));
    Transpose transpose;
    transpose.perm = {0, 3, 1, 2};
    cases.add("transpose_{}", wrapped(transpose, {x}, x), to_string(dtype)).input(bytes(dtype, {2, 5, 6, 9}));
  }
}

void add_copies(Cases& cases) {
  using Coordinates = Resize::Coordinates;
  for (const DType dtype : kBytes) {
    const Type x = byte(dtype, 0.05f, -7);
    for (const Coordinates coordinates : {Coordinates::kAsymmetric, Coordinates::kAlignCorners})
      for (const int64_t channels : {1, 21})
        for (const Shape& size : {Shape{13, 9}, Shape{4, 8}, Shape{6, 24}}) {
          Resize resize;
          resize.coordinates = coordinates;
          resize.nearest = channels == 1 ? Resize::Nearest::kFloor : Resize::Nearest::kRoundPreferCeil;
          resize.axes = {1, 2};
          cases
              .add("nearest_{}_{}_c{}_{}", wrapped(resize, {x, {}, {}, {}}, x), to_string(dtype),
                   to_string(coordinates), channels, size)
              .input(bytes(dtype, {2, 6, 8, channels}))
              .no_input()
              .no_input()
              .weight(Tensor::of<int64_t>({2}, {size[0], size[1]}));
        }
    for (const int64_t depth : {1, 7, 130}) {
      LpNormalization norm;
      norm.axis = -1;
      cases.add("l2_{}_{}", wrapped(norm, {x}, byte(dtype, 1.0f / 128, 0)), to_string(dtype), depth)
          .input(bytes(dtype, {5, depth}));
    }
    for (const int64_t axis : {1, 3})
      cases.add("sum_{}_{}", wrapped(ReduceSum(), {x, {}}, byte(dtype, 1.1f, 9)), to_string(dtype), axis)
          .input(bytes(dtype, {2, 9, 5, 66}))
          .weight(Tensor::of<int64_t>({1}, {axis}));
  }
  const Type x = byte(DType::kI8, 0.05f, -7);
  for (const Shape& shape : {Shape{3, 40}, Shape{2, 5, 33}})
    cases
        .add("matmul_weights_{}",
             wrapped(MatMul(), {x, byte(DType::kI8, 0.02f, 4)}, byte(DType::kI8, 0.4f, 1)), shape)
        .input(bytes(DType::kI8, shape))
        .weight(bytes(DType::kI8, {shape.back(), 21}));
  Resize middle;  // an axis before others that stay, of 16 bits
  middle.axes = {1};
  middle.nearest = Resize::Nearest::kFloor;
  middle.coordinates = Coordinates::kAsymmetric;
  const Type wide = quantized_type(DType::kI16, 0.01f, 0);
  cases.add("nearest_int16", wrapped(middle, {wide, {}, {}, {}}, wide))
      .input(ints(DType::kI16, {2, 5, 3, 2}, -32768, 32767))
      .no_input()
      .no_input()
      .weight(Tensor::of<int64_t>({1}, {11}));
}

InputSpec words(const Shape& shape) {
  return ints(DType::kI16, shape, -32768, 32767);
}

Type word(float scale) {
  return quantized_type(DType::kI16, scale, 0);
}

void add_wide_layers(Cases& cases) {
  const Type bias = {DType::kI64, nullptr};
  const auto weights = [](int64_t channels) {
    std::vector<float> scales;
    for (int64_t i = 0; i < channels; ++i) scales.push_back(0.004f + 0.001f * static_cast<float>(i % 9));
    return quantized_type(DType::kI8, scales, 0);
  };
  const auto add_conv = [&](const Shape& x, const Shape& w, int64_t groups, int64_t stride, bool has_bias) {
    Conv conv;
    conv.groups = groups;
    conv.window.strides = {stride, stride};
    conv.window.auto_pad = AutoPad::kSameUpper;
    const float scale = 0.0002f * std::sqrt(static_cast<float>(w.product(1, 4)));
    Case& test =
        cases.add("conv_int16_x{}_w{}_s{}_{}",
                  wrapped(conv, {word(0.0003f), weights(w[0]), bias}, word(scale)), x, w, stride, has_bias);
    test.input(words(x)).weight(bytes(DType::kI8, w));
    if (has_bias) test.weight(ints(DType::kI64, {w[0]}, -900000, 900000));
  };
  add_conv({2, 5, 19, 3}, {6, 3, 3, 3}, 1, 1, true);
  add_conv({1, 6, 5, 70}, {5, 2, 2, 70}, 1, 2, false);
  add_conv({1, 5, 5, 8}, {12, 3, 3, 4}, 2, 1, true);
  add_conv({2, 6, 7, 5}, {5, 3, 3, 1}, 5, 1, true);
  add_conv({1, 7, 6, 70}, {70, 3, 2, 1}, 70, 2, false);
  add_conv({1, 5, 5, 3}, {6, 3, 3, 1}, 3, 1, true);
  for (const int64_t rows : {1, 3})
    for (const int64_t depth : {5, 700}) {
      Gemm gemm;
      gemm.transpose_b = true;
      cases
          .add("dense_int16_m{}_k{}", wrapped(gemm, {word(0.0003f), weights(7), bias}, word(0.003f)), rows,
               depth)
          .input(words({rows, depth}))
          .weight(bytes(DType::kI8, {7, depth}))
          .weight(ints(DType::kI64, {7}, -900000, 900000));
    }
}

void add_wide(Cases& cases) {
  const Shape shapes[][2] = {{{2, 5, 7, 19}, {2, 5, 7, 19}}, {{3, 5, 16}, {16}}, {{70}, {1}}};
  for (const auto& shape : shapes) {
    const std::vector<Type> in = {word(0.0003f), word(0.0002f)};
    const auto add = [&](std::string_view op, const Quantized& quantized) {
      cases.add("{}_int16_{}", quantized, op, shape[1]).input(words(shape[0])).input(words(shape[1]));
    };
    add("add", wrapped(Add(), in, word(0.0004f), {Activation::Kind::kRelu, 0, 0}));
    add("sub", wrapped(Sub(), in, word(0.0004f)));
    add("mul", wrapped(Mul(), in, word(0.002f), {Activation::Kind::kClip, 0, 6}));
    add("greater", wrapped(Greater(), in, Type()));
    add("less_or_equal", wrapped(LessOrEqual(), in, Type()));
    add("max", wrapped(Max(), {in[0], in[0]}, in[0]));
  }
  const auto add_table = [&](std::string_view name, const Quantized& quantized) -> Case& {
    return cases.add("{}_int16", quantized, name).input(words({3, 5, 67}));
  };
  add_table("sigmoid", wrapped(Sigmoid(), {word(0.0003f)}, word(1.0f / 32768)));
  add_table("tanh", wrapped(Tanh(), {word(0.0003f)}, word(1.0f / 32768)));
  add_table("clip", wrapped(Clip(), {word(0.0003f), {}, {}}, word(0.0003f)))
      .weight(Tensor::scalar(0.0f))
      .weight(Tensor::scalar(6.0f));
  add_table("requantize", wrapped(Identity(), {word(0.0003f)}, word(0.0004f)));
  for (const DType dtype : kBytes) {
    add_table(format("requantize_to_{}", to_string(dtype)),
              wrapped(Identity(), {word(0.0003f)}, byte(dtype, 0.05f, 3)));
    cases
        .add("requantize_{}_to_int16", wrapped(Identity(), {byte(dtype, 0.05f, 3)}, word(0.0003f)),
             to_string(dtype))
        .input(bytes(dtype, {3, 5, 67}));
  }
  cases.add("quantize_int16", wrapped(Identity(), {Type()}, word(0.0003f))).input(f32({7, 45}, -12, 12));
  add_table("dequantize", wrapped(Identity(), {word(0.0003f)}, Type())).tolerance(0, 0);
  for (const int64_t channels : {3, 70}) {
    AveragePool average;
    average.kernel = {3, 2};
    average.window.strides = {2, 1};
    average.window.auto_pad = AutoPad::kSameUpper;
    MaxPool most;
    most.kernel = average.kernel;
    most.window = average.window;
    cases.add("average_pool_int16_c{}", wrapped(average, {word(0.1f)}, word(0.1f)), channels)
        .input(words({2, 7, 9, channels}));
    cases.add("max_pool_int16_c{}", wrapped(most, {word(0.1f)}, word(0.1f)), channels)
        .input(words({2, 7, 9, channels}));
  }
}

void add_wide_rows(Cases& cases) {
  for (const std::vector<int64_t>& axes : std::vector<std::vector<int64_t>>{{1, 2}, {3}, {0, 1}})
    for (const int64_t size : {5, 40}) {
      const auto reduce = [&](std::string_view name, const Quantized& quantized) {
        cases.add("{}_int16_{}_{}", quantized, name, join(axes, ""), size)
            .input(words({2, size, size + 1, 66}))
            .weight(Tensor::of<int64_t>({static_cast<int64_t>(axes.size())}, axes));
      };
      reduce("mean", wrapped(ReduceMean(), {word(0.05f), {}}, word(0.03f)));
      reduce("sum", wrapped(ReduceSum(), {word(0.05f), {}}, word(3.0f)));
    }
  using Coordinates = Resize::Coordinates;
  for (const Coordinates coordinates :
       {Coordinates::kAsymmetric, Coordinates::kHalfPixel, Coordinates::kAlignCorners})
    for (const int64_t channels : {1, 21}) {
      Resize resize;  // by whole numbers: places between pixels are rounded to 1/1024
      resize.mode = Resize::Mode::kLinear;
      resize.coordinates = coordinates;
      resize.axes = {1, 2};
      cases
          .add("resize_int16_{}_c{}", wrapped(resize, {word(0.05f), {}, {}, {}}, word(0.05f)),
               to_string(coordinates), channels)
          .input(words({2, 6, 8, channels}))
          .no_input()
          .no_input()
          .weight(coordinates == Coordinates::kAlignCorners ? Tensor::of<int64_t>({2}, {11, 15})
                                                            : Tensor::of<int64_t>({2}, {12, 4}));
    }
  for (const int64_t depth : {1, 10, 300})
    cases.add("softmax_int16_{}", wrapped(Softmax(), {word(0.0003f)}, word(1.0f / 32768)), depth)
        .input(words({3, depth}));
  const auto product = [&](const Shape& a, const Shape& b, float y) {
    cases.add("matmul_int16_{}_{}", wrapped(MatMul(), {word(0.0003f), word(0.0002f)}, word(y)), a, b)
        .input(words(a))
        .input(words(b));
  };
  product({2, 3, 5, 33}, {2, 3, 33, 9}, 0.03f);
  product({2, 1, 6}, {3, 1, 6, 4}, 0.009f);
  product({3, 40000}, {40000, 2}, 0.9f);  // sums beyond 32 bits of halves
}

void add_order(Cases& cases) {
  for (const DType dtype : kBytes) {
    const Shape shapes[][2] = {{{2, 5, 7, 19}, {2, 5, 7, 19}}, {{3, 5, 16}, {16}}, {{1, 6, 1, 8}, {6, 5, 1}}};
    for (const auto& shape : shapes) {
      const std::vector<Type> in = {byte(dtype, 0.1f, -3), byte(dtype, 0.07f, 11)};
      const auto add = [&](std::string_view op, const Quantized& quantized) {
        cases.add("{}_{}_{}", quantized, op, to_string(dtype), shape[1])
            .input(bytes(dtype, shape[0]))
            .input(bytes(dtype, shape[1]));
      };
      add("equal", wrapped(Equal(), {byte(dtype, 0.1f, 0), byte(dtype, 0.2f, 0)}, Type()));
      add("greater", wrapped(Greater(), in, Type()));
      add("greater_or_equal", wrapped(GreaterOrEqual(), in, Type()));
      add("less", wrapped(Less(), in, Type()));
      add("less_or_equal", wrapped(LessOrEqual(), in, Type()));
      add("max", wrapped(Max(), {in[0], in[0]}, in[0]));
      add("min", wrapped(Min(), {in[0], in[0]}, in[0]));
    }
    for (const int64_t depth : {1, 10, 300})
      cases
          .add("log_softmax_{}_{}",
               wrapped(LogSoftmax(), {byte(dtype, 0.11f, 4)}, byte(dtype, 1.0f / 16, 127)), to_string(dtype),
               depth)
          .input(bytes(dtype, {3, depth}));
  }
  for (const DType dtype : {DType::kI8, DType::kU8, DType::kI16})
    for (const bool largest : {true, false}) {
      TopK top;
      top.largest = largest;
      const Type x = dtype == DType::kI16 ? word(0.1f) : byte(dtype, 0.1f, 3);
      Quantized quantized = wrapped(top, {x, {}}, x);
      quantized.out.emplace_back();  // the places
      cases.add("top_k_{}_{}", quantized, to_string(dtype), largest ? "largest" : "smallest")
          .input(dtype == DType::kI16 ? words({4, 3, 50}) : bytes(dtype, {4, 3, 500}))
          .weight(Tensor::of<int64_t>({1}, {7}));
    }
}

void add_products(Cases& cases) {
  for (const DType dtype : kBytes) {
    const Type x = byte(dtype, 0.05f, -7);
    for (const std::vector<int64_t>& axes :
         std::vector<std::vector<int64_t>>{{1}, {3}, {0, 1}, {0, 1, 2, 3}}) {
      const auto axes_of = Tensor::of<int64_t>({static_cast<int64_t>(axes.size())}, axes);
      cases.add("greatest_{}_{}", wrapped(ReduceMax(), {x, {}}, x), to_string(dtype), join(axes, ""))
          .input(bytes(dtype, {2, 9, 5, 66}))
          .weight(axes_of);
      cases.add("least_{}_{}", wrapped(ReduceMin(), {x, {}}, x), to_string(dtype), join(axes, ""))
          .input(bytes(dtype, {2, 9, 5, 66}))
          .weight(axes_of);
    }
  }
  const auto add = [&](const Shape& a, const Shape& b, float y) {
    const Type left = byte(DType::kI8, 0.05f, -7), right = byte(DType::kI8, 0.04f, 3);
    cases.add("matmul_{}_{}_{}", wrapped(MatMul(), {left, right}, byte(DType::kI8, y, 4)), a, b, y)
        .input(bytes(DType::kI8, a))
        .input(bytes(DType::kI8, b));
  };
  add({2, 3, 5, 33}, {2, 3, 33, 9}, 0.9f);
  add({4, 7, 8}, {8, 5}, 0.4f);
  add({2, 1, 6}, {3, 1, 6, 4}, 0.0003f);  // shifted to the left
}

void add_lstm(Cases& cases) {
  struct Form {
    std::string_view name;
    bool coupled, peepholes, norm, projection;
  };
  for (const Form& form :
       {Form{"plain", false, false, false, false}, Form{"coupled", true, true, false, false},
        Form{"norm", false, false, true, true}, Form{"all", false, true, true, true}})
    for (const bool time_major : {false, true}) {
      const int64_t batch = 3, steps = 4, inputs = 21, cells = 19, outputs = form.projection ? 10 : cells;
      IntegerLstm op;
      op.scales.assign(IntegerLstm::kInputs, 0.01f);
      for (size_t i = 9; i < 12; ++i) op.scales[i] = op.scales[i + 11] = 2.0f / 32768;
      op.scales[23] = 2.0f / 32768;
      op.scales[19] = 1.0f / 2048;
      op.gate_scales.assign(4, 1.0f / 4096);
      op.hidden_scale = op.scales[18];
      op.x_zero = 5;
      op.h_zero = op.hidden_zero = -9;
      op.cell_clip = form.coupled ? 2.0f : 0.0f;
      op.projection_clip = form.peepholes ? 0.9f : 0.0f;
      op.time_major = time_major;
      Case& test = cases.add("lstm_{}_{}", op, form.name, time_major ? "time_major" : "batch_major");
      const auto add = [&](bool present, const InputSpec& spec) {
        if (present)
          test.weight(spec);
        else
          test.no_input();
      };
      test.input(bytes(DType::kI8, time_major ? Shape{steps, batch, inputs} : Shape{batch, steps, inputs}));
      for (int k = 0; k < 4; ++k) add(k > 0 || !form.coupled, ints(DType::kI8, {cells, inputs}, -99, 99));
      for (int k = 0; k < 4; ++k) add(k > 0 || !form.coupled, ints(DType::kI8, {cells, outputs}, -99, 99));
      for (int k = 0; k < 3; ++k) add(form.peepholes && (k > 0 || !form.coupled), words({cells}));
      for (int k = 0; k < 4; ++k) add(k > 0 || !form.coupled, ints(DType::kI32, {cells}, -5000, 5000));
      add(form.projection, ints(DType::kI8, {outputs, cells}, -99, 99));
      add(form.projection, ints(DType::kI32, {outputs}, -5000, 5000));
      test.input(bytes(DType::kI8, {batch, outputs})).input(words({batch, cells}));
      if (!form.norm) continue;
      for (int k = 0; k < 4; ++k) test.weight(words({cells}));
    }
}

void add_svdf(Cases& cases) {
  for (const int64_t rank : {1, 2})
    for (const bool has_bias : {false, true}) {
      IntegerSvdf op;
      op.rank = rank;
      op.x_scale = 0.03f;
      op.features_scale = 0.01f;
      op.state_scale = 1.0f / 4096;
      op.time_scale = 1.0f / 32768;
      op.y_scale = 0.05f;
      op.x_zero = 11;
      op.y_zero = -30;
      const int64_t batch = 3, inputs = 37, filters = 10, memory = 6;
      Case& test = cases.add("svdf_rank{}_{}", op, rank, has_bias ? "bias" : "no_bias");
      test.input(bytes(DType::kI8, {batch, inputs})).weight(bytes(DType::kI8, {filters, inputs}));
      test.weight(words({filters, memory}));
      if (has_bias)
        test.weight(ints(DType::kI32, {filters / rank}, -1000000, 1000000));
      else
        test.no_input();
      test.input(words({batch, filters * memory}));
    }
}

void add_dense(Cases& cases) {
  for (const DType dtype : kBytes)
    for (const bool by_channel : {false, true}) {
      if (by_channel && dtype == DType::kU8) continue;
      for (const int64_t rows : {1, 3})
        for (const int64_t depth : {1, 33, 9000}) {
          Gemm gemm;
          gemm.transpose_b = true;
          const Type w =
              by_channel ? quantized_type(dtype, std::vector<float>{0.01f, 0.02f, 0.013f, 0.03f, 0.002f}, 0)
              : dtype == DType::kI8 ? byte(dtype, 0.011f, 0)
                                    : byte(dtype, 0.011f, 4);
          cases
              .add("dense_{}_{}_m{}_k{}",
                   wrapped(gemm, {byte(dtype, 0.05f, -7), w, {DType::kI32, nullptr}}, byte(dtype, 0.9f, 1)),
                   to_string(dtype), by_channel ? "channels" : "tensor", rows, depth)
              .input(bytes(dtype, {rows, depth}))
              .weight(bytes(dtype, {5, depth}))
              .weight(ints(DType::kI32, {5}, -2000, 2000));
        }
    }
}

}  // namespace

Cases quantized_cases() {
  Cases cases;
  add_binary(cases);
  add_unary(cases);
  add_rows(cases);
  add_pools(cases);
  add_resizes(cases);
  add_moves(cases);
  add_copies(cases);
  add_wide_layers(cases);
  add_wide(cases);
  add_wide_rows(cases);
  add_order(cases);
  add_products(cases);
  add_lstm(cases);
  add_svdf(cases);
  add_dense(cases);
  return cases;
}

}  // namespace pochade

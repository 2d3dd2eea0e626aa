#include "ops/quant/quantized.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/select.h"
#include "ops/elementwise/variadic.h"
#include "ops/index/gather.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/op_testing.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/base64_testing.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantized_kinds.h"
#include "ops/quant/tflite_functions.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

// tests/references/quantized_ops.txt: what TFLite computed (tools/record_quantization.py).
// ------------------------------------------------------------------------------------------------------

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
  return out;
}

std::vector<int64_t> numbers(const std::string& text, char separator = ',') {
  std::vector<int64_t> out;
  for (const std::string& part : split(text, separator)) out.push_back(std::stoll(part));
  return out;
}

struct Recorded {
  std::string name, op;
  std::map<std::string, std::string> fields;
  Tensors in, out;
  std::vector<Quantized::Type> in_types, out_types;

  std::vector<int64_t> list(const std::string& key) const {
    return fields.count(key) != 0 ? numbers(fields.at(key)) : std::vector<int64_t>();
  }
  int64_t number(const std::string& key, int64_t missing) const {
    return fields.count(key) != 0 ? std::stoll(fields.at(key)) : missing;
  }
  std::string text(const std::string& key) const { return fields.count(key) != 0 ? fields.at(key) : ""; }
};

DType dtype_named(const std::string& name) {
  for (const DType t :
       {DType::kF32, DType::kI8, DType::kU8, DType::kI16, DType::kI32, DType::kI64, DType::kBool})
    if (to_string(t) == name) return t;
  ADD_FAILURE() << name;
  return DType::kF32;
}

/// in|out DTYPE DIMS SCALES ZERO_POINTS AXIS BASE64
void read_value(const std::vector<std::string>& words, Tensors& tensors,
                std::vector<Quantized::Type>& types) {
  const DType dtype = dtype_named(words[1]);
  const Shape shape(words[2] == "scalar" ? std::vector<int64_t>() : numbers(words[2], 'x'));
  Tensor tensor = Tensor::make(dtype, shape).value();
  const std::string bytes = decode_base64(words.size() > 6 ? words[6] : "");
  ASSERT_EQ(bytes.size(), tensor.byte_size());
  std::memcpy(tensor.mutable_bytes(), bytes.data(), bytes.size());
  Quantized::Type type;
  if (words[3] != "-") {
    Quantization q;
    for (const std::string& scale : split(words[3], ';')) q.scale.push_back(std::stof(scale));
    for (const int64_t zero : numbers(words[4], ';')) q.zero_point.push_back(static_cast<int32_t>(zero));
    q.zero_point.resize(q.scale.size(), 0);
    q.axis = q.scale.size() > 1 ? std::stoi(words[5]) : -1;
    type = {dtype, std::make_shared<const Quantization>(q)};
  }
  tensors.push_back(tensor);
  types.push_back(type);
}

std::vector<Recorded> read_recorded() {
  std::ifstream file(std::string(POCHADE_SOURCE_DIR) + "/tests/references/quantized_ops.txt");
  std::vector<Recorded> out;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> words = split(line, ' ');
    if (words[0] == "case") {
      out.push_back({words[1], words[2], {}, {}, {}, {}, {}});
      for (size_t i = 3; i < words.size(); ++i) {
        const size_t at = words[i].find('=');
        out.back().fields[words[i].substr(0, at)] = words[i].substr(at + 1);
      }
    } else if (words[0] == "in") {
      read_value(words, out.back().in, out.back().in_types);
    } else {
      read_value(words, out.back().out, out.back().out_types);
    }
  }
  return out;
}

Window window_of(const Recorded& test) {
  Window window;
  window.strides = test.list("strides");
  window.dilations = test.list("dilations");
  window.pads_begin = test.list("pads_begin");
  window.pads_end = test.list("pads_end");
  if (test.text("pad") == "same") window.auto_pad = AutoPad::kSameUpper;
  return window;
}

Activation activation_of(const Recorded& test) {
  using Kind = Activation::Kind;
  const std::string act = test.text("act");
  if (act == "relu") return {Kind::kRelu, 0, 0};
  if (act == "relu6") return {Kind::kClip, 0, 6};
  if (act == "relu_n1_to_1") return {Kind::kClip, -1, 1};
  return {};
}

OpPtr make_resize(const Recorded& test) {
  Resize resize;
  resize.axes = {1, 2};
  const std::string coordinates = test.text("coordinates");
  resize.coordinates = coordinates == "half_pixel"      ? Resize::Coordinates::kHalfPixel
                       : coordinates == "align_corners" ? Resize::Coordinates::kAlignCorners
                                                        : Resize::Coordinates::kAsymmetric;
  if (test.text("mode") == "linear") {
    resize.mode = Resize::Mode::kLinear;
    return make_op(resize);
  }
  resize.nearest =
      coordinates == "align_corners" ? Resize::Nearest::kRoundPreferCeil : Resize::Nearest::kFloor;
  if (coordinates == "half_pixel") resize.coordinates = Resize::Coordinates::kTfHalfPixelForNn;
  return make_op(resize);
}

template <typename D>
OpPtr make_reduction(const Recorded& test) {
  D reduction;
  reduction.keep_dims = test.number("keep", 1) != 0;
  return make_op(reduction);
}

OpPtr make_linear(const Recorded& test) {
  if (test.op == "Conv")
    return make_op<Conv>([&](Conv& conv) {
      conv.window = window_of(test);
      conv.groups = test.number("groups", 1);
    });
  if (test.op == "ConvTranspose")
    return make_op<ConvTranspose>([&](ConvTranspose& conv) { conv.window = window_of(test); });
  if (test.op == "Gemm") return make_op<Gemm>([](Gemm& gemm) { gemm.transpose_b = true; });
  return nullptr;
}

OpPtr make_moving(const Recorded& test) {
  if (test.op == "AveragePool")
    return make_op<AveragePool>([&](AveragePool& pool) {
      pool.window = window_of(test);
      pool.kernel = test.list("kernel");
    });
  if (test.op == "MaxPool")
    return make_op<MaxPool>([&](MaxPool& pool) {
      pool.window = window_of(test);
      pool.kernel = test.list("kernel");
    });
  if (test.op == "Pad")
    return make_op<Pad>([&](Pad& pad) {
      pad.mode = test.text("mode") == "reflect" ? PadFill::kReflect : PadFill::kConstant;
    });
  if (test.op == "Concat")
    return make_op<Concat>([&](Concat& concat) { concat.axis = test.number("axis", 0); });
  if (test.op == "Gather")
    return make_op<Gather>([&](Gather& gather) { gather.axis = test.number("axis", 0); });
  if (test.op == "Transpose")
    return make_op<Transpose>([&](Transpose& transpose) { transpose.perm = test.list("order"); });
  if (test.op == "ArgMax")
    return make_op<ArgMax>([&](ArgMax& arg) {
      arg.axis = test.number("axis", 0);
      arg.keep_dims = false;
    });
  return nullptr;
}

OpPtr op_of(const Recorded& test) {
  if (OpPtr op = make_linear(test)) return op;
  if (OpPtr op = make_moving(test)) return op;
  if (test.op == "LeakyRelu")
    return make_op<LeakyRelu>([&](LeakyRelu& leaky) { leaky.alpha = std::stof(test.text("alpha")); });
  if (test.op == "Gelu")
    return make_op<Gelu>([&](Gelu& gelu) { gelu.tanh_approximation = test.number("approximate", 0) != 0; });
  const std::map<std::string, OpPtr (*)(const Recorded&)> makers = {
      {"Resize", make_resize},
      {"ReduceMean", make_reduction<ReduceMean>},
      {"ReduceSum", make_reduction<ReduceSum>},
      {"ReduceMax", make_reduction<ReduceMax>},
      {"ReduceMin", make_reduction<ReduceMin>},
  };
  if (makers.count(test.op) != 0) return makers.at(test.op)(test);
  const std::map<std::string, OpPtr> plain = {
      {"Abs", make_op(Abs())},
      {"Add", make_op(Add())},
      {"Clip", make_op(Clip())},
      {"Elu", make_op(Elu())},
      {"Equal", make_op(Equal())},
      {"Exp", make_op(Exp())},
      {"Greater", make_op(Greater())},
      {"GreaterOrEqual", make_op(GreaterOrEqual())},
      {"HardSwish", make_op(HardSwish())},
      {"Identity", make_op(Identity())},
      {"Less", make_op(Less())},
      {"LessOrEqual", make_op(LessOrEqual())},
      {"Log", make_op(Log())},
      {"LogSoftmax", make_op(LogSoftmax())},
      {"LpNormalization", make_op(LpNormalization())},
      {"MatMul", make_op(MatMul())},
      {"Max", make_op(Max())},
      {"Min", make_op(Min())},
      {"Mul", make_op(Mul())},
      {"Neg", make_op(Neg())},
      {"PRelu", make_op(PRelu())},
      {"Relu", make_op(Relu())},
      {"Rsqrt", make_op(Rsqrt())},
      {"Sigmoid", make_op(Sigmoid())},
      {"Softmax", make_op(Softmax())},
      {"SquaredDifference", make_op(SquaredDifference())},
      {"Sub", make_op(Sub())},
      {"Tanh", make_op(Tanh())},
  };
  return plain.count(test.op) != 0 ? plain.at(test.op) : nullptr;
}

/// The operator, with the inputs that ours has beyond TFLite's.
Quantized quantized_of(Recorded& test) {
  if (test.op == "Clip")
    for (const char* bound : {"low", "high"}) {
      test.in.push_back(Tensor::scalar(std::stof(test.text(bound))));
      test.in_types.emplace_back();
    }
  if (test.op == "Resize") {  // x, roi, scales, sizes
    test.in.insert(test.in.begin() + 1, 2, Tensor());
    test.in_types.insert(test.in_types.begin() + 1, 2, Quantized::Type());
  }
  Quantized quantized;
  quantized.op = op_of(test);
  quantized.in = test.in_types;
  quantized.out = test.out_types;
  quantized.act = activation_of(test);
  return quantized;
}

Facts facts_with_types(const Recorded& test) {
  Facts facts;
  for (size_t i = 0; i < test.in.size(); ++i) {
    facts.push_back(test.in[i].defined() ? Fact(test.in[i]) : Fact());
    facts.back().quantization = test.in_types[i].quantization;
  }
  return facts;
}

std::string difference(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape())
    return format("{} {} instead of {} {}", to_string(got.dtype()), got.shape(), to_string(want.dtype()),
                  want.shape());
  const std::vector<float> a = to_floats(got), b = to_floats(want);
  int64_t count = 0;
  float most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    count += a[i] != b[i];
    most = std::max(most, std::fabs(a[i] - b[i]));
  }
  return format("{} of {} values differ, by at most {}", count, a.size(), most);
}

TEST(Quantized, EqualsTfliteBitForBit) {
  std::vector<Recorded> cases = read_recorded();
  ASSERT_GT(cases.size(), 380u);
  for (Recorded& test : cases) {
    const Quantized quantized = quantized_of(test);
    ASSERT_NE(quantized.op, nullptr) << test.op;
    const auto facts = quantized.infer(facts_with_types(test));
    ASSERT_TRUE(facts) << test.name << ": " << facts.error().text();
    const auto out = quantized.eval(test.in);
    ASSERT_TRUE(out) << test.name << ": " << out.error().text();
    ASSERT_EQ(out->size(), test.out.size());
    for (size_t i = 0; i < out->size(); ++i) {
      EXPECT_TRUE((*out)[i].identical(test.out[i]))
          << test.name << ": " << difference((*out)[i], test.out[i]);
      EXPECT_TRUE(refines(Fact((*out)[i]), Fact(*(*facts)[i].dtype, (*facts)[i].dims))) << test.name;
    }
  }
}

// What it says of itself.
// ------------------------------------------------------------------------------------------------------

Quantized add_of(Quantized::Type a, Quantized::Type b, Quantized::Type y) {
  Quantized quantized;
  quantized.op = make_op(Add());
  quantized.in = {a, b};
  quantized.out = {y};
  return quantized;
}

const Quantized::Type kByte = quantized_type(DType::kI8, 0.5f, -3);

Fact byte_fact(const Shape& shape) {
  Fact fact(DType::kI8, shape);
  fact.quantization = kByte.quantization;
  return fact;
}

TEST(Quantized, IsNamedByWhatItWraps) {
  EXPECT_EQ(add_of(kByte, kByte, kByte).name(), "QuantizedAdd");
  Quantized identity;
  identity.op = make_op(Identity());
  identity.in = {{}};
  identity.out = {kByte};
  EXPECT_EQ(identity.name(), "Quantize");
  identity.in = {kByte};
  EXPECT_EQ(identity.name(), "Requantize");
  EXPECT_TRUE(identity.only_reshapes());
  identity.out = {{}};
  EXPECT_EQ(identity.name(), "Dequantize");
  EXPECT_FALSE(identity.only_reshapes());
  EXPECT_EQ(identity.fields_text(), "op=Identity() in0=int8*0.5--3 out0=as_is rounding=tflite");
}

TEST(Quantized, EqualityReadsEveryScale) {
  const Quantized::Type other = quantized_type(DType::kI8, 0.5f, -4);
  EXPECT_TRUE(add_of(kByte, kByte, kByte).equals(add_of(kByte, kByte, kByte)));
  EXPECT_FALSE(add_of(kByte, kByte, kByte).equals(add_of(kByte, other, kByte)));
  const auto by_channel = [](float last) { return quantized_type(DType::kI8, {0.5f, last}, 0); };
  EXPECT_TRUE(add_of(by_channel(1), kByte, kByte).equals(add_of(by_channel(1), kByte, kByte)));
  EXPECT_FALSE(add_of(by_channel(1), kByte, kByte).equals(add_of(by_channel(2), kByte, kByte)));
}

TEST(Quantized, FactsCarryTheQuantization) {
  const Quantized::Type y = quantized_type(DType::kI8, 0.25f, 7);
  const Quantized add = add_of(kByte, kByte, y);
  const auto out = add.infer(Facts{byte_fact({2, 3}), Fact(DType::kI8, Shape{3})});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(*(*out)[0].dtype, DType::kI8);
  EXPECT_EQ(to_string(*(*out)[0].shape()), "2x3");
  EXPECT_EQ(*(*out)[0].quantization, *y.quantization);

  Fact wrong = byte_fact({2, 3});
  wrong.quantization = y.quantization;
  expect_refused(add, {byte_fact({2, 3}), wrong}, "input 1: is quantized in another way");
  expect_refused(add, {byte_fact({2, 3}), Fact(DType::kU8, Shape{3})}, "input 1: is uint8, expected int8");
  expect_refused(add, {byte_fact({2, 3}), byte_fact({4})}, "do not broadcast");
}

TEST(Quantized, RefusesWhatHasNoArithmetic) {
  const Fact x = byte_fact({2, 3});
  Quantized sine;
  sine.op = make_op(Sin());
  sine.in = sine.out = {kByte};
  expect_refused(sine, {x}, "Sin has no integer arithmetic");
  sine.rounding = Rounding::kOnnx;
  EXPECT_TRUE(sine.infer(Facts{x}));

  for (const float scale : {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::nanf("")})
    expect_refused(add_of(kByte, kByte, quantized_type(DType::kI8, scale, 0)), {x, x},
                   "expected a finite number above 0");
  expect_refused(add_of(kByte, kByte, quantized_type(DType::kI8, 1, 128)), {x, x}, "does not fit into int8");
  expect_refused(add_of(kByte, kByte, quantized_type(DType::kI16, 1, 0)), {x, x}, "output 0 of Add");
  expect_refused(add_of(kByte, kByte, quantized_type(DType::kI8, {1, 1, 1}, 1)), {x, x}, "output 0 of Add");
  expect_refused(add_of(kByte, kByte, quantized_type(DType::kI8, {1, 1}, 1)), {x, x},
                 "2 scales for 3 channels");
  Quantized tanh = add_of(kByte, kByte, kByte);
  tanh.act.kind = Activation::Kind::kTanh;
  expect_refused(tanh, {x, x}, "cannot be a bound");
}

TEST(Quantized, OnnxRoundingIsThatOfItsThreeOperators) {
  const Shape shape{5, 7};
  Tensor a = Tensor::make(DType::kI8, shape).value(), b = a;
  for (int i = 0; i < 35; ++i) {
    a.mutable_data<int8_t>()[static_cast<size_t>(i)] = static_cast<int8_t>(i * 37);
    b = a;
  }
  const Quantized::Type second = quantized_type(DType::kI8, 0.3f, 11),
                        y = quantized_type(DType::kI8, 0.7f, 2);
  Quantized add = add_of(kByte, second, y);
  add.rounding = Rounding::kOnnx;
  add.act.kind = Activation::Kind::kRelu;
  const auto real = [](const Tensor& q, const Quantized::Type& type) {
    const auto zero = static_cast<int8_t>(type.zero_point());
    return run_oracle(DequantizeLinear(), {q, Tensor::scalar(type.scale()), Tensor::scalar(zero)}).value()[0];
  };
  const Tensor sum = run_oracle(Add(), {real(a, kByte), real(b, second)}).value()[0];
  const Tensor positive = run_oracle(Relu(), {sum}).value()[0];
  const Tensor want = run_oracle(QuantizeLinear(), {positive, Tensor::scalar(y.scale()),
                                                    Tensor::scalar(static_cast<int8_t>(y.zero_point()))})
                          .value()[0];
  EXPECT_TRUE(run_oracle(add, {a, b}).value()[0].identical(want));
}

}  // namespace
}  // namespace pochade

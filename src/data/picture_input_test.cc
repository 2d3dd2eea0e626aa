#include "data/picture_input.h"

#include <gtest/gtest.h>

#include "media/transform.h"
#include "ops/quant/quantize_linear.h"
#include "ops/shape/transpose.h"

namespace pochade {
namespace {

Graph graph_with_input(Fact fact) {
  Graph graph;
  graph.add_input("x", std::move(fact));
  return graph;
}

Image flat(int width, int height, std::array<uint8_t, 3> colour) {
  Image out = Image::create(width, height, 3).value();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) out.pixel(x, y)[c] = from_8_bits(colour[static_cast<size_t>(c)]);
  return out;
}

Fact quantized_fact(DType dtype, float scale, int32_t zero_point, const Shape& shape) {
  Fact fact(dtype, shape);
  fact.quantization = std::make_shared<Quantization>(Quantization{{scale}, {zero_point}});
  return fact;
}

/// int8 as files of ONNX have it: what it means stands in the nodes alone.
TEST(PictureInput, IntegersMeanWhatTheyAreDequantizedAs) {
  for (const bool is_turned : {false, true})
    for (const float other_scale : {0.25f, 0.5f}) {
      Graph graph;
      const ValueId x = graph.add_input("x", Fact(DType::kI8, Shape{1, 3, 8, 8}));
      const ValueId zero = graph.add_constant("zero", Tensor::scalar<int32_t>(-7).cast(DType::kI8).value());
      const auto real = [&](ValueId q, float scale) {
        const ValueId step = graph.add_constant("scale", Tensor::scalar(scale));
        return graph.add_node("real", make_op(DequantizeLinear{}), {q, step, zero}).value()[0];
      };
      Transpose turn;
      turn.perm = {0, 2, 3, 1};
      const ValueId read = is_turned ? graph.add_node("turned", make_op(turn), {x}).value()[0] : x;
      graph.add_output("a", real(read, 0.25f));
      graph.add_output("b", real(x, other_scale));
      const auto input = picture_input(graph);
      ASSERT_TRUE(input) << input.error().text();
      EXPECT_EQ(input->quantization != nullptr, other_scale == 0.25f);
      if (!input->quantization) continue;
      EXPECT_EQ(input->quantization->scale, std::vector<float>{0.25f});
      EXPECT_EQ(input->quantization->zero_point, std::vector<int32_t>{-7});
    }
}

TEST(PictureInput, LayoutByWhereTheChannelsAre) {
  const auto first = picture_input(graph_with_input({DType::kF32, Shape{1, 3, 240, 320}}));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->channels_first);
  EXPECT_EQ(first->height, 240);
  EXPECT_EQ(first->width, 320);
  const auto last = picture_input(graph_with_input({DType::kI8, Shape{1, 96, 64, 1}}));
  ASSERT_TRUE(last);
  EXPECT_FALSE(last->channels_first);
  EXPECT_EQ(last->channels, 1);
  EXPECT_EQ(last->height, 96);
  const Dims open = {Dim::named("N"), Dim(3), Dim::named("H"), Dim::named("W")};
  const auto sized = picture_input(graph_with_input({DType::kF32, open}), 0, {{10, 20}});
  ASSERT_TRUE(sized);
  EXPECT_EQ(sized->height, 10);
  EXPECT_EQ(sized->width, 20);
}

TEST(PictureInput, RefusesWhatNoPictureFits) {
  for (const Fact& fact : {Fact(DType::kF32, Shape{1, 10}), Fact(DType::kF32, Shape{1, 5, 8, 8}),
                           Fact(DType::kF32, Shape{4, 3, 8, 8}), Fact(DType::kI64, Shape{1, 3, 8, 8})}) {
    const auto input = picture_input(graph_with_input(fact));
    ASSERT_FALSE(input);
    EXPECT_NE(input.error().text().find("\"x\""), std::string::npos) << input.error().text();
  }
  EXPECT_FALSE(picture_input(Graph()));
}

TEST(EnterPicture, PresetsOfThisColour) {
  const Image picture = flat(8, 8, {255, 51, 0});
  const auto input = *picture_input(graph_with_input({DType::kF32, Shape{1, 3, 8, 8}}));
  const auto values = [&](const char* preset) {
    const auto placed = enter_picture(picture, *preprocess_preset(preset), input);
    const auto data = placed->tensor.data<float>();
    return std::array<float, 3>{data[0], data[64], data[128]};
  };
  EXPECT_EQ(values("raw"), (std::array{255.0f, 51.0f, 0.0f}));
  EXPECT_EQ(values("unit"), (std::array{1.0f, 0.2f, 0.0f}));
  EXPECT_FLOAT_EQ(values("signed")[1], -0.6f);
  const auto mean = values("bgr_mean");
  EXPECT_FLOAT_EQ(mean[0], -103.939f);
  EXPECT_FLOAT_EQ(mean[1], 51 - 116.779f);
  EXPECT_FLOAT_EQ(mean[2], 255 - 123.68f);
}

TEST(EnterPicture, IntegersByTheInputsQuantization) {
  const Image picture = flat(4, 4, {255, 100, 0});
  const auto first = [&](const Fact& fact, const char* preset) {
    const auto input = *picture_input(graph_with_input(fact));
    return to_int64s(enter_picture(picture, *preprocess_preset(preset), input)->tensor);
  };
  const Shape shape{1, 4, 4, 3};
  auto q = first(quantized_fact(DType::kI8, 1 / 255.0f, -128, shape), "unit");
  EXPECT_EQ(q[0], 127);
  EXPECT_EQ(q[1], -28);
  EXPECT_EQ(q[2], -128);
  q = first(quantized_fact(DType::kU8, 1 / 128.0f, 128, shape), "signed");
  EXPECT_EQ(q[0], 255);  // 256 saturates
  EXPECT_EQ(q[1], 100);  // (100 / 127.5 - 1) * 128 + 128 = 100.4
  EXPECT_EQ(q[2], 0);
  // Pixels as they are, whatever the scale says.
  q = first(quantized_fact(DType::kU8, 1 / 128.0f, 128, shape), "raw");
  EXPECT_EQ(q[1], 100);
  q = first(quantized_fact(DType::kI8, 0.0078f, -1, shape), "raw");
  EXPECT_EQ(q[1], -28);
  EXPECT_EQ(first({DType::kI32, shape}, "raw")[1], 100);
}

TEST(EnterPicture, CropTakesTheMiddleAndSaysWhere) {
  Image picture = flat(100, 80, {0, 0, 0});
  for (int y = 5; y < 75; ++y)
    for (int x = 15; x < 85; ++x) picture.pixel(x, y)[0] = 65535;  // what is seen: 70 = 80 * 0.875
  const auto input = *picture_input(graph_with_input({DType::kF32, Shape{1, 35, 35, 3}}));
  const auto placed = enter_picture(picture, Preprocess(), input);
  ASSERT_TRUE(placed);
  const auto data = placed->tensor.data<float>();
  for (size_t i = 0; i < data.size(); ++i) ASSERT_EQ(data[i], i % 3 == 0 ? 255.0f : 0.0f) << i;
  EXPECT_DOUBLE_EQ(placed->x_scale, 2);
  EXPECT_DOUBLE_EQ(placed->left, 15);
  EXPECT_DOUBLE_EQ(placed->top, 5);
}

TEST(EnterPicture, OfTheRightSizeEntersWhole) {
  Image picture = flat(32, 32, {7, 7, 7});
  picture.pixel(0, 0)[2] = from_8_bits(200);
  const auto input = *picture_input(graph_with_input({DType::kF32, Shape{1, 32, 32, 3}}));
  const auto placed = enter_picture(picture, Preprocess(), input);
  EXPECT_EQ(placed->tensor.data<float>()[2], 200.0f);
  EXPECT_DOUBLE_EQ(placed->left, 0);
}

TEST(EnterPicture, PadPutsThePictureInTheMiddle) {
  const Image picture = flat(40, 20, {255, 255, 255});
  const auto input = *picture_input(graph_with_input({DType::kU8, Shape{1, 20, 20, 1}}));
  const auto placed = enter_picture(picture, Preprocess(), input, Fit::kPad);
  const auto data = placed->tensor.data<uint8_t>();
  for (size_t y = 0; y < 20; ++y) EXPECT_EQ(data[y * 20 + 3], y >= 5 && y < 15 ? 255 : 0) << y;
  EXPECT_DOUBLE_EQ(placed->y_scale, 2);
  EXPECT_DOUBLE_EQ(placed->top, -10);
}

// Pillow 11: Image.fromarray of v = (7 x x + 13 y y + 40 c) % 256, resize((5, 4), BILINEAR).
TEST(EnterPicture, ResamplesAsPillowDoes) {
  constexpr int kWidth = 17, kHeight = 11;
  Image picture = Image::create(kWidth, kHeight, 3).value();
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      for (int c = 0; c < 3; ++c)
        picture.pixel(x, y)[c] = from_8_bits(static_cast<uint8_t>((7 * x * x + 13 * y * y + 40 * c) % 256));
  const int wanted[] = {54,  93,  129, 127, 132, 140, 141, 146, 107, 149, 136, 128, 95,  125, 149,
                        136, 144, 124, 133, 126, 119, 111, 133, 143, 114, 139, 125, 140, 143, 133,
                        142, 128, 127, 138, 131, 115, 106, 136, 133, 119, 133, 123, 145, 124, 138,
                        70,  108, 141, 130, 148, 122, 131, 121, 115, 122, 122, 115, 100, 124, 138};
  const auto input = *picture_input(graph_with_input({DType::kU8, Shape{1, 4, 5, 3}}));
  const auto placed = enter_picture(picture, Preprocess(), input, Fit::kStretch);
  const auto data = placed->tensor.data<uint8_t>();
  for (size_t i = 0; i < data.size(); ++i) EXPECT_EQ(data[i], wanted[i]) << i;
}

TEST(Quantized, ThereAndBack) {
  const Tensor real = Tensor::of<float>({4}, {-1.0f, 0.26f, 0.5f, 100.0f});
  const Quantization q{{0.5f}, {10}};
  const auto there = quantized(real, DType::kI8, &q);
  ASSERT_TRUE(there);
  EXPECT_EQ(to_int64s(*there), (std::vector<int64_t>{8, 11, 11, 127}));
  EXPECT_EQ(to_floats(*dequantized(*there, &q)), (std::vector<float>{-1.0f, 0.5f, 0.5f, 58.5f}));
  const Quantization by_channel{{1.0f, 0.5f}, {}, 1};
  const Tensor pair = Tensor::of<int8_t>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(to_floats(*dequantized(pair, &by_channel)), (std::vector<float>{1, 1, 3, 2}));
  EXPECT_FALSE(dequantized(Tensor::of<int8_t>({3}, {1, 2, 3}), &by_channel));
}

}  // namespace
}  // namespace pochade

// Whole models against what ONNX Runtime computes, recorded by tools/record_references.py.

#include <algorithm>
#include <cmath>
#include <fstream>

#include "engine/session.h"
#include "formats/npy.h"
#include "media/decode.h"
#include "tests/models/models.h"

namespace pochade {
namespace {

Tensor reference(const std::string& name) {
  auto tensor =
      read_npy(std::filesystem::path(POCHADE_SOURCE_FOLDER) / "tests" / "references" / (name + ".npy"));
  EXPECT_TRUE(tensor) << tensor.error().text();
  return tensor ? *std::move(tensor) : Tensor();
}

/// 8-bit pixels, RGB.
struct Picture {
  int height = 0, width = 0;
  std::vector<uint8_t> values;
  uint8_t at(int y, int x, int channel) const {
    return values[(static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) * 3 +
                  static_cast<size_t>(channel)];
  }
  double mean(int channel) const {
    double sum = 0;
    for (size_t i = static_cast<size_t>(channel); i < values.size(); i += 3) sum += values[i];
    return sum / static_cast<double>(height * width);
  }
};

/// A picture of which row y is row(y) of the file's, and column x is column(x).
template <typename Row, typename Column>
Picture pick(const std::filesystem::path& path, int height, int width, Row&& row, Column&& column) {
  const auto decoded = read_image(path);
  EXPECT_TRUE(decoded) << decoded.error().text();
  Picture out{height, width, {}};
  if (!decoded) {
    out.values.resize(static_cast<size_t>(height * width * 3));
    return out;
  }
  const Image& image = decoded->image;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        out.values.push_back(to_8_bits(image.pixel(column(x, image.width()), row(y, image.height()))[c]));
  return out;
}

/// The middle of a larger picture; a smaller one continues with its reflection at the bottom and on the
/// right.
Picture fit(const std::filesystem::path& path, int height, int width) {
  const auto place = [](int size) {
    return [size](int i, int have) {
      i += std::max(0, (have - size) / 2);
      return i < have ? i : 2 * (have - 1) - i;
    };
  };
  return pick(path, height, width, place(height), place(width));
}

/// Without any filter: the pixel under the middle of each new one.
Picture nearest(const std::filesystem::path& path, int height, int width) {
  const auto place = [](int size) {
    return [size](int i, int have) { return (2 * i + 1) * have / (2 * size); };
  };
  return pick(path, height, width, place(height), place(width));
}

void expect_recorded_input(const Picture& picture, std::span<const float> means) {
  for (int c = 0; c < 3; ++c)
    ASSERT_NEAR(picture.mean(c), means[static_cast<size_t>(c)], 0.05)
        << "the picture is decoded otherwise than when it was recorded";
}

/// 1,3,H,W of f(value, channel), with the channels reversed if asked for.
template <typename F>
Tensor channels_first(const Picture& picture, bool bgr, F&& f) {
  Tensor out = Tensor::make(DType::kF32, {1, 3, picture.height, picture.width}).value();
  float* to = out.mutable_data<float>().data();
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < picture.height; ++y)
      for (int x = 0; x < picture.width; ++x)
        *to++ = f(static_cast<float>(picture.at(y, x, bgr ? 2 - c : c)), c);
  return out;
}

Session open(const std::string& model) {
  auto session = Session::create(read_model(model));
  EXPECT_TRUE(session) << session.error().text();
  return *std::move(session);
}

Tensors run(Session& session, const Tensor& input) {
  auto out = session.run(std::vector<Tensor>{input});
  EXPECT_TRUE(out) << out.error().text();
  return out ? *std::move(out) : Tensors();
}

/// At the places that the recorder keeps: k * STEP modulo the number of elements.
void expect_samples(const Tensor& result, const std::string& name, double range) {
  const Tensor samples = reference(name + "_samples"), means = reference(name + "_means");
  ASSERT_TRUE(samples.defined() && means.defined());
  const auto got = to_floats(result), wanted = to_floats(samples);
  double squares = 0;
  for (size_t k = 0; k < wanted.size(); ++k) {
    const double difference = double{got[k * 1'000'003 % got.size()]} - wanted[k];
    squares += difference * difference;
  }
  EXPECT_GT(20 * std::log10(range) - 10 * std::log10(squares / static_cast<double>(wanted.size()) + 1e-30),
            60.0);
  const size_t plane = got.size() / 3;
  for (size_t c = 0; c < 3; ++c) {
    double sum = 0;
    for (size_t i = 0; i < plane; ++i) sum += got[c * plane + i];
    EXPECT_NEAR(sum / static_cast<double>(plane), means.data<float>()[c], range / 5000);
  }
}

class Styles : public testing::TestWithParam<const char*> {};

TEST_P(Styles, PaintAsOnnxRuntimeDoes) {
  NEED_SHARED_DATA();
  const std::string style = GetParam();
  Session session = open("paint/" + style + ".onnx");
  for (const std::string photo : {"kodim05", "kodim20", "kodim23"}) {
    SCOPED_TRACE(photo);
    const std::string name = style + "_" + photo;
    const Picture picture = fit(shared_data() / "images" / "kodak" / (photo + ".png"), 720, 720);
    expect_recorded_input(picture, reference(name + "_input_means").data<float>());
    const Tensors out = run(session, channels_first(picture, true, [](float v, int) { return v; }));
    ASSERT_EQ(out.size(), 1u);
    ASSERT_EQ(out[0].shape(), (Shape{1, 3, 720, 720}));
    expect_samples(out[0], name, 255);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Styles, testing::Values("candy", "mosaic"),
                         [](const auto& test) { return std::string(test.param); });

TEST(FirstStyle, PaintsAsOnnxRuntimeDoes) {
  NEED_SHARED_DATA();
  Session session = open("paint/first_style.onnx");
  const Picture picture = fit(shared_data() / "images" / "kodak" / "kodim23.png", 260, 388);
  expect_recorded_input(picture, reference("first_style_kodim23_input_means").data<float>());
  const Tensors out = run(session, channels_first(picture, false, [](float v, int) { return v / 255.0f; }));
  ASSERT_EQ(out.size(), 1u);
  ASSERT_EQ(out[0].shape(), (Shape{1, 3, 260, 388}));
  expect_samples(out[0], "first_style_kodim23", 1);
}

TEST(Squeezenet, GivesTheSameTopFive) {
  NEED_SHARED_DATA();
  Session session = open("classify/squeezenet_v1.1_fp16.onnx");
  std::ifstream list(std::filesystem::path(POCHADE_SOURCE_FOLDER) / "tests" / "references" /
                     "squeezenet_pictures.txt");
  const Tensor indexes = reference("squeezenet_indexes"),
               probabilities = reference("squeezenet_probabilities"),
               means = reference("squeezenet_input_means");
  const float mean[3] = {103.939f, 116.779f, 123.68f};
  size_t row = 0;
  for (std::string file; std::getline(list, file); ++row) {
    SCOPED_TRACE(file);
    const Picture picture = fit(shared_data() / "images" / "imagenet" / file, 224, 224);
    expect_recorded_input(picture, means.data<float>().subspan(row * 3, 3));
    const auto input =
        channels_first(picture, true, [&](float v, int c) { return v - mean[c]; }).cast(DType::kF16);
    ASSERT_TRUE(input);
    const Tensors out = run(session, *input);
    ASSERT_EQ(out.size(), 1u);
    const auto got = to_floats(out[0]);
    ASSERT_EQ(got.size(), 1000u);
    // ONNX Runtime rounds to float16 between layers, we do not: the probabilities differ in the third digit,
    // and what is as likely as the next may change its place.
    const auto wanted = probabilities.data<float>().subspan(row * 5, 5);
    for (size_t k = 0; k < 5; ++k) {
      const auto index = static_cast<size_t>(indexes.data<int64_t>()[row * 5 + k]);
      EXPECT_NEAR(got[index], wanted[k], 0.01);
      const auto above =
          static_cast<size_t>(std::count_if(got.begin(), got.end(), [&](float p) { return p > got[index]; }));
      const bool tied = (k > 0 && wanted[k - 1] - wanted[k] < 0.01f) ||
                        (k < 4 && wanted[k] - wanted[k + 1] < 0.01f) || wanted[k] < 0.01f;
      if (!tied && k < 4) {
        EXPECT_EQ(above, k);
      }
    }
  }
  EXPECT_EQ(row, 20u);
}

TEST(Faces, AreWhereOnnxRuntimeSeesThem) {
  NEED_SHARED_DATA();
  Session session = open("detect/version-RFB-320.onnx");
  const Picture picture = nearest(shared_data() / "models" / "detect" / "17.jpg", 240, 320);
  expect_recorded_input(picture, reference("faces_input_means").data<float>());
  const Tensors out =
      run(session, channels_first(picture, false, [](float v, int) { return (v - 127.0f) / 128.0f; }));
  ASSERT_EQ(out.size(), 2u);
  ASSERT_EQ(out[0].shape(), (Shape{1, 4420, 2}));
  ASSERT_EQ(out[1].shape(), (Shape{1, 4420, 4}));
  const Tensor priors = reference("faces_priors"), scores = reference("faces_scores"),
               boxes = reference("faces_boxes");
  for (size_t k = 0; k < static_cast<size_t>(priors.elements()); ++k) {
    const auto prior = static_cast<size_t>(priors.data<int64_t>()[k]);
    EXPECT_NEAR(out[0].data<float>()[prior * 2 + 1], scores.data<float>()[k], 1e-3);
    for (size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(out[1].data<float>()[prior * 4 + i], boxes.data<float>()[k * 4 + i], 1e-3);
  }
  // Nothing else is as good.
  const float least = scores.data<float>().back();
  int better = 0;
  for (size_t prior = 0; prior < 4420; ++prior) better += out[0].data<float>()[prior * 2 + 1] > least + 1e-3f;
  EXPECT_LE(better, static_cast<int>(priors.elements()));
}

TEST(Mnist, ReadsDigitsAsOnnxRuntimeDoes) {
  NEED_SHARED_DATA();
  Session session = open("classify/mnist.onnx");
  const Tensor digits = reference("mnist_digits"), results = reference("mnist_results");
  for (size_t digit = 0; digit < 10; ++digit) {
    Tensor input = Tensor::make(DType::kF32, {1, 1, 28, 28}).value();
    for (size_t i = 0; i < 784; ++i) input.mutable_data<float>()[i] = digits.data<uint8_t>()[digit * 784 + i];
    const Tensors out = run(session, input);
    ASSERT_EQ(out.size(), 1u);
    for (size_t i = 0; i < 10; ++i) {
      const float wanted = results.data<float>()[digit * 10 + i];
      EXPECT_NEAR(out[0].data<float>()[i], wanted, 1e-4f * std::fabs(wanted) + 0.05f);
    }
  }
}

}  // namespace
}  // namespace pochade

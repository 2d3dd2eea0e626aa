#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "ops/signal/dft.h"
#include "ops/signal/fft.h"
#include "ops/signal/tf_idf.h"
#include "ops/signal/windows.h"

namespace pochade {
namespace {

Tensor run(const Op& op, const Tensors& in) {
  Facts facts;
  for (const Tensor& t : in) facts.push_back(t.defined() ? Fact(t) : Fact());
  const auto inferred = op.infer(facts);
  EXPECT_TRUE(inferred) << inferred.error().text();
  const auto out = op.eval(in);
  EXPECT_TRUE(out) << out.error().text();
  if (!inferred || !out) return Tensor::scalar(0.0f);
  EXPECT_EQ((*out)[0].shape(), *(*inferred)[0].shape());
  return (*out)[0];
}

std::string error_of(const Op& op, const Tensors& in) {
  Facts facts;
  for (const Tensor& t : in) facts.push_back(t.defined() ? Fact(t) : Fact());
  const auto out = op.infer(facts);
  return out ? "none" : out.error().text();
}

void expect_near(const Tensor& tensor, const std::vector<double>& expected) {
  const auto got = to_floats(tensor);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6) << i;
}

TEST(Fourier, EveryLengthAgreesWithTheDefinitionAndInverts) {
  for (size_t n = 1; n <= 33; ++n) {
    std::vector<std::complex<double>> x(n);
    for (size_t i = 0; i < n; ++i)
      x[i] = {std::sin(1.0 + 3.0 * static_cast<double>(i)), std::cos(2.0 * static_cast<double>(i * i))};
    const auto y = fourier(x, false);
    for (size_t k = 0; k < n; ++k) {
      std::complex<double> sum = 0;
      for (size_t i = 0; i < n; ++i)
        sum += x[i] * std::polar(1.0, -2 * std::numbers::pi * static_cast<double>((i * k) % n) /
                                          static_cast<double>(n));
      EXPECT_NEAR(std::abs(y[k] - sum), 0, 1e-11) << n << " " << k;
    }
    const auto back = fourier(y, true);
    for (size_t i = 0; i < n; ++i) EXPECT_NEAR(std::abs(back[i] - x[i]), 0, 1e-12) << n;
  }
}

TEST(Dft, AlongAnyAxisPaddedAndCut) {
  const Tensor x = Tensor::of<float>({1, 2, 2, 1}, {1, 2, 3, 4});
  Dft op;
  op.axis = 1;
  expect_near(run(op, {x}), {4, 0, 6, 0, -2, 0, -2, 0});
  op.axis = -2;
  expect_near(run(op, {x}), {3, 0, -1, 0, 7, 0, -1, 0});
  expect_near(run(op, {x, Tensor::scalar<int64_t>(1)}), {1, 0, 3, 0});
  // 1, 2, 0, 0: 3, 1 - 2i, -1, 1 + 2i; of one side the first three
  op.onesided = true;
  const Tensor row = Tensor::of<float>({1, 2, 1}, {1, 2});
  expect_near(run(op, {row, Tensor::scalar<int64_t>(4)}), {3, 0, 1, -2, -1, 0});
  op.onesided = false;
  op.inverse = true;
  expect_near(run(op, {Tensor::of<float>({1, 4, 2}, {3, 0, 1, -2, -1, 0, 1, 2})}), {1, 0, 2, 0, 0, 0, 0, 0});
}

TEST(Dft, RefusesWhatHasNoMeaning) {
  Dft op;
  op.onesided = true;
  EXPECT_EQ(error_of(op, {Tensor::of<float>({1, 1, 2}, {1, 2})}),
            "a transform of one side needs a real signal, not a complex one");
  EXPECT_EQ(error_of(Dft{}, {Tensor::of<float>({1, 1, 3}, {1, 2, 3})}),
            "the last axis of x has size 3, expected 1 (real) or 2 (complex)");
  EXPECT_EQ(error_of(Dft{}, {Tensor::of<float>({1, 1, 1}, {1}), Tensor::scalar<int64_t>(-5)}),
            "dft_length is -5, expected 1 to 67108864");
  EXPECT_EQ(error_of(Dft{}, {Tensor::of<float>({1, 1, 1}, {1}), {}, Tensor::scalar<int64_t>(2)}),
            "axis 2 is no axis of a signal of rank 3");
}

TEST(Stft, FramesOverlapAndTheWindowMultiplies) {
  const Tensor x = Tensor::of<float>({1, 4, 1}, {1, 2, 3, 4});
  const Tensor step = Tensor::scalar<int64_t>(1), window = Tensor::of<float>({2}, {1, 10});
  expect_near(run(Stft{}, {x, step, window}), {21, 0, -19, 0, 32, 0, -28, 0, 43, 0, -37, 0});
  Stft both;
  both.onesided = false;
  EXPECT_EQ(run(both, {x, Tensor::scalar<int64_t>(2), {}, Tensor::scalar<int64_t>(2)}).shape(),
            (Shape{1, 2, 2, 2}));
  EXPECT_EQ(error_of(Stft{}, {x, step}), "needs a window or a frame_length");
  EXPECT_EQ(error_of(Stft{}, {x, step, {}, Tensor::scalar<int64_t>(5)}),
            "a signal of 4 is shorter than a frame of 5");
}

TEST(Windows, PeriodicAndSymmetric) {
  const Tensor four = Tensor::scalar<int32_t>(4), five = Tensor::scalar<int64_t>(5);
  HannWindow hann;
  expect_near(run(hann, {four}), {0, 0.5, 1, 0.5});
  hann.periodic = false;
  expect_near(run(hann, {five}), {0, 0.5, 1, 0.5, 0});
  expect_near(run(hann, {Tensor::scalar<int64_t>(1)}), {1});
  expect_near(run(HammingWindow{}, {four}), {4.0 / 46, 25.0 / 46, 1, 25.0 / 46});
  expect_near(run(BlackmanWindow{}, {four}), {0, 0.34, 1, 0.34});
  EXPECT_EQ(run(hann, {Tensor::scalar<int64_t>(0)}).elements(), 0);
  EXPECT_EQ(error_of(hann, {Tensor::scalar<int64_t>(-1)}), "size is -1, expected 0 to 67108864");
}

TEST(MelWeightMatrix, BandsRiseAndFall) {
  const Tensor y =
      run(MelWeightMatrix{}, {Tensor::scalar<int64_t>(2), Tensor::scalar<int64_t>(16),
                              Tensor::scalar<int64_t>(8000), Tensor::scalar(0.0f), Tensor::scalar(4000.0f)});
  // Mel of 4000 Hz is 2146.06; edges at multiples of a quarter: 0, 426.9, 1114.2, 2220.6 Hz, bins 0, 0, 2, 4
  // of 17 / 8000.
  EXPECT_EQ(y.shape(), (Shape{9, 2}));
  expect_near(y, {1, 0, 0.5, 0.5, 0, 1, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_FALSE(MelWeightMatrix{}.eval(Tensors{Tensor::scalar<int64_t>(2), Tensor::scalar<int64_t>(16),
                                              Tensor::scalar<int64_t>(0), Tensor::scalar(0.0f),
                                              Tensor::scalar(4000.0f)}));
}

TfIdfVectorizer vectorizer() {
  TfIdfVectorizer op;  // 2, 3 alone; the pairs 5 4, 5 6
  op.counts = {0, 2};
  op.pool = {2, 3, 5, 4, 5, 6};
  op.indexes = {0, 1, 2, 4};
  op.max_length = 2;
  return op;
}

TEST(TfIdf, CountsWithSkipsAndWeights) {
  TfIdfVectorizer op = vectorizer();
  const Tensor x = Tensor::of<int64_t>({6}, {2, 5, 3, 4, 6, 2});
  expect_near(run(op, {x}), {2, 1, 0, 0, 0});
  op.max_skip = 2;  // 5 . 4 with one left out, 5 . . 6 with two
  expect_near(run(op, {x}), {2, 1, 1, 0, 1});
  op.min_length = 2;
  expect_near(run(op, {x}), {0, 0, 1, 0, 1});
  op.min_length = 1;
  op.weights = {10, 20, 30, 40};
  op.mode = TfIdfVectorizer::Mode::kWeightedCount;
  expect_near(run(op, {x}), {20, 20, 30, 0, 40});
  op.mode = TfIdfVectorizer::Mode::kWeight;
  expect_near(run(op, {x.reshaped({1, 6})}), {10, 20, 30, 0, 40});
}

TEST(TfIdf, APoolThatDoesNotDivideIsRefused) {
  TfIdfVectorizer op = vectorizer();
  op.counts = {0, 7};
  EXPECT_EQ(error_of(op, {Tensor::of<int64_t>({1}, {1})}), "ngram_counts does not divide a pool of 6 values");
  op = vectorizer();
  op.indexes.pop_back();
  EXPECT_EQ(error_of(op, {Tensor::of<int64_t>({1}, {1})}),
            "the pool has 4 n-grams, but there are 3 ngram_indexes");
}

}  // namespace
}  // namespace pochade

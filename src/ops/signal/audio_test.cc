// The audio front end: expectations are TensorFlow's, and what the formulas give by hand.

#include <cmath>
#include <cstring>
#include <numbers>

#include "ops/op_testing.h"
#include "ops/signal/audio_spectrogram.h"
#include "ops/signal/decode_wav.h"
#include "ops/signal/mfcc.h"

namespace pochade {
namespace {

void put(std::vector<uint8_t>& out, int64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}
void put(std::vector<uint8_t>& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

struct Wav {
  int channels = 1;
  int bits = 16;
  int format = 1;
  bool extra_chunk = false;
  std::vector<int16_t> samples{0, 16384, -32768, 32767};

  Tensor bytes() const {
    std::vector<uint8_t> out;
    put(out, "RIFF");
    put(out, 36 + static_cast<int64_t>(samples.size()) * 2, 4);
    put(out, "WAVE");
    if (extra_chunk) {
      put(out, "LIST");
      put(out, 3, 4);
      put(out, "abc");
      put(out, 0, 1);  // chunks begin at even places
    }
    put(out, "fmt ");
    put(out, 16, 4);
    put(out, format, 2);
    put(out, channels, 2);
    put(out, 16000, 4);
    put(out, 32000 * channels, 4);
    put(out, 2 * channels, 2);
    put(out, bits, 2);
    put(out, "data");
    put(out, static_cast<int64_t>(samples.size()) * 2, 4);
    for (const int16_t sample : samples) put(out, sample, 2);
    return Tensor::of<uint8_t>({static_cast<int64_t>(out.size())}, out);
  }
};

TEST(DecodeWav, DividesSamplesBy32768) {
  const auto out = run_oracle(DecodeWav{}, {Wav().bytes()}).value();
  EXPECT_EQ(to_string(out[0].shape()), "4x1");
  EXPECT_EQ(to_floats(out[0]), (std::vector<float>{0, 0.5f, -1, 32767.0f / 32768}));
  EXPECT_EQ(to_int64s(out[1]), (std::vector<int64_t>{16000}));
  Wav chunked;
  chunked.extra_chunk = true;
  EXPECT_EQ(oracle_floats(DecodeWav{}, {chunked.bytes()}), to_floats(out[0]));
}

TEST(DecodeWav, CutsFillsAndRepeats) {
  DecodeWav op;
  op.samples = 3;
  EXPECT_EQ(oracle_floats(op, {Wav().bytes()}), (std::vector<float>{0, 0.5f, -1}));
  op.samples = 6;
  op.channels = 2;
  EXPECT_EQ(oracle_floats(op, {Wav().bytes()}),
            (std::vector<float>{0, 0, 0.5f, 0.5f, -1, -1, 32767.0f / 32768, 32767.0f / 32768, 0, 0, 0, 0}));
  Wav stereo;
  stereo.channels = 2;
  op.samples = -1;
  op.channels = 1;
  EXPECT_EQ(oracle_floats(op, {stereo.bytes()}), (std::vector<float>{0, -1}));
}

TEST(DecodeWav, RefusesOtherFiles) {
  const auto error = [](const Tensor& bytes) {
    const auto out = DecodeWav{}.eval(std::array{bytes});
    return out ? std::string() : out.error().text();
  };
  Wav eight, floating;
  eight.bits = 8;
  floating.format = 3;
  EXPECT_NE(error(eight.bytes()).find("only 16-bit PCM"), std::string::npos);
  EXPECT_NE(error(floating.bytes()).find("format 3"), std::string::npos);
  const Tensor whole = Wav().bytes();
  for (int64_t size = 0; size < 44; ++size) {
    const std::vector<uint8_t> cut(whole.data<uint8_t>().begin(), whole.data<uint8_t>().begin() + size);
    EXPECT_NE(error(Tensor::of<uint8_t>({size}, cut)), "") << size;
  }
}

/// A cosine whose period divides the window: half its height in its own bin, a quarter in those beside it.
TEST(AudioSpectrogram, ACosineIsInItsBin) {
  AudioSpectrogram op;
  op.window = 64;
  op.stride = 32;
  std::vector<float> sound;
  for (int i = 0; i < 160; ++i)
    sound.push_back(static_cast<float>(std::cos(2 * std::numbers::pi * 8 * i / 64.0)));
  const Tensor x = Tensor::of<float>({160, 1}, sound);
  const auto y = run_oracle(op, {x}).value().at(0);
  EXPECT_EQ(to_string(y.shape()), "1x4x33");
  const auto values = to_floats(y);
  EXPECT_NEAR(values[8], 16, 1e-4);
  EXPECT_NEAR(values[7], 8, 1e-4);
  EXPECT_NEAR(values[9], 8, 1e-4);
  EXPECT_NEAR(values[20], 0, 1e-4);
  op.squared = true;
  EXPECT_NEAR(oracle_floats(op, {x})[8], 256, 1e-2);
  EXPECT_EQ(run_oracle(op, {Tensor::of<float>({10, 1}, std::vector<float>(10))})->at(0).elements(), 0);
}

TEST(AudioSpectrogram, WindowsAreFilledUpToAPowerOfTwo) {
  AudioSpectrogram op;
  op.window = 640;
  op.stride = 320;
  const auto facts = op.infer(std::array{Fact(DType::kF32, Shape{16000, 1})}).value();
  EXPECT_EQ(to_string(facts[0]), "float32 1x49x513");
  expect_refused(AudioSpectrogram{}, {Fact(DType::kF32, Shape{16, 1})}, "the window has 1");
}

/// TensorFlow 2.21: tf.raw_ops.Mfcc of 1 + k for bin k of 9, 4 bands, 3 coefficients, 0 to 4000 Hz at 8 kHz.
TEST(Mfcc, IsTensorFlows) {
  Mfcc op;
  op.lower_hertz = 0;
  op.bands = 4;
  op.coefficients = 3;
  const auto y = run_oracle(op, {counting({1, 1, 9}, 1), Tensor::scalar(int32_t{8000})}).value().at(0);
  EXPECT_EQ(to_string(y.shape()), "1x1x3");
  expect_floats(to_floats(y), {2.451140403f, -1.50673294f, -0.10595214f}, 1e-5f);
}

TEST(Mfcc, RefusesWhatMakesNoSense) {
  Mfcc op;
  op.coefficients = 50;
  const Facts facts{Fact(DType::kF32, Shape{1, 1, 9}), Fact(DType::kI32, Shape{})};
  expect_refused(op, facts, "50 coefficients of 40 bands");
  op.coefficients = 13;
  op.upper_hertz = 10;
  expect_refused(op, facts, "frequencies from 20 to 10");
}

}  // namespace
}  // namespace pochade

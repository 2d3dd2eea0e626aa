#include "ops/signal/decode_wav.h"

#include <cstring>

namespace pochade {
namespace {

/// No file that a device reads at once is longer (half a day at 48 kHz).
constexpr int64_t kMostSamples = int64_t{1} << 31;
constexpr int64_t kMostChannels = 1024;

template <typename T>
T read_at(std::span<const std::byte> bytes, size_t offset) {
  T out;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return out;
}

std::string_view tag_at(std::span<const std::byte> bytes, size_t offset) {
  return {reinterpret_cast<const char*>(bytes.data()) + offset, 4};
}

Status read_format(std::span<const std::byte> chunk, WavFile& out) {
  if (chunk.size() < 16) return Error::invalid_argument("the format chunk has {} bytes", chunk.size());
  auto format = read_at<uint16_t>(chunk, 0);
  if (format == 0xfffe && chunk.size() >= 26) format = read_at<uint16_t>(chunk, 24);  // says it further down
  out.channels = read_at<uint16_t>(chunk, 2);
  out.sample_rate = read_at<uint32_t>(chunk, 4);
  const int bits = read_at<uint16_t>(chunk, 14);
  if (format != 1 || bits != 16)
    return Error::invalid_argument("its samples are of format {} with {} bits, only 16-bit PCM is read",
                                   format, bits);
  if (out.channels < 1 || out.channels > kMostChannels)
    return Error::invalid_argument("it has {} channels", out.channels);
  if (out.sample_rate < 1 || out.sample_rate > INT32_MAX)
    return Error::invalid_argument("its sample rate is {}", out.sample_rate);
  return {};
}

}  // namespace

Result<WavFile> parse_wav(std::span<const std::byte> file) {
  const auto parse = [&]() -> Result<WavFile> {
    if (file.size() < 12 || tag_at(file, 0) != "RIFF" || tag_at(file, 8) != "WAVE")
      return Error::invalid_argument("it does not begin with RIFF and WAVE");
    WavFile out;
    bool has_format = false;
    for (size_t at = 12; file.size() - at >= 8;) {
      const auto tag = tag_at(file, at);
      const size_t size = read_at<uint32_t>(file, at + 4);
      at += 8;
      // A recorder that was cut off leaves a data chunk longer than the file.
      if (size > file.size() - at && tag != "data")
        return Error::invalid_argument("it is truncated at byte {}", file.size());
      const auto chunk = file.subspan(at, std::min(size, file.size() - at));
      if (tag == "fmt ") {
        TRY(read_format(chunk, out));
        has_format = true;
      } else if (tag == "data") {
        if (!has_format) return Error::invalid_argument("its samples come before their format");
        out.samples = static_cast<int64_t>(chunk.size()) / (2 * out.channels);
        out.elements = chunk;
        return out;
      }
      at += chunk.size();
      if (size % 2 == 1 && at < file.size()) ++at;  // chunks begin at even places
    }
    return Error::invalid_argument("it has no data chunk");
  };
  return parse().context("not a WAV file that can be read");
}

Result<Facts> DecodeWav::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "contents", {DType::kU8}));
  TRY(expect_rank(in[0], "contents", 1, 1));
  if (channels < -1 || channels == 0 || channels > kMostChannels)
    return Error::invalid_model("desired_channels is {}", channels);
  if (samples < -1 || samples > kMostSamples) return Error::invalid_model("desired_samples is {}", samples);
  Dim rows = samples >= 0 ? Dim(samples) : Dim();
  if (samples < 0 && in[0].dims && in[0].dim(0).is_number()) rows = Dim::at_most(in[0].dim(0).number() / 2);
  Dim columns = channels > 0 ? Dim(channels) : Dim();
  if (in[0].is_constant() && (samples < 0 || channels < 0)) {
    TRY(const WavFile wav, parse_wav({in[0].constant.bytes(), in[0].constant.byte_size()}));
    if (samples < 0) rows = wav.samples;
    if (channels < 0) columns = wav.channels;
  }
  return Facts{Fact(DType::kF32, Dims{rows, columns}), Fact(DType::kI32, Shape{})};
}

Result<Tensors> DecodeWav::eval(std::span<const Tensor> in) const {
  TRY(const WavFile wav, parse_wav({in[0].bytes(), in[0].byte_size()}));
  const int64_t rows = samples < 0 ? wav.samples : samples, columns = channels < 0 ? wav.channels : channels;
  TRY(Tensor audio, Tensor::make(DType::kF32, {rows, columns}));
  float* y = audio.mutable_data<float>().data();
  for (int64_t i = 0; i < std::min(rows, wav.samples); ++i)
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t from = i * wav.channels + std::min(c, wav.channels - 1);
      y[i * columns + c] =
          static_cast<float>(read_at<int16_t>(wav.elements, static_cast<size_t>(2 * from))) / 32768.0f;
    }
  return Tensors{audio, Tensor::scalar(static_cast<int32_t>(wav.sample_rate))};
}

}  // namespace pochade

#include "media/wav.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>
#include <optional>

#include "base/file.h"

namespace pochade {
namespace {

// Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft 1991) and RFC 2361.
constexpr uint16_t kPcm = 1, kFloat = 3, kExtensible = 0xfffe;

/// Little-endian, whatever the machine is.
template <typename T>
T read_le(const std::byte* from) {
  T out = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    out = static_cast<T>(out | static_cast<T>(std::to_integer<T>(from[i]) << (8 * i)));
  return out;
}

struct WaveFormat {
  uint16_t encoding = 0;
  int channels = 0;
  int64_t rate = 0;
  int bits = 0;
};

Result<WaveFormat> parse_format(std::span<const std::byte> chunk) {
  if (chunk.size() < 16)
    return Error::invalid_argument("its format chunk has {} bytes, expected 16", chunk.size());
  WaveFormat out;
  out.encoding = read_le<uint16_t>(chunk.data());
  out.channels = read_le<uint16_t>(chunk.data() + 2);
  out.rate = read_le<uint32_t>(chunk.data() + 4);
  out.bits = read_le<uint16_t>(chunk.data() + 14);
  // The encoding of the extensible form begins its GUID, after size, valid bits and channel mask.
  if (out.encoding == kExtensible && chunk.size() >= 26) out.encoding = read_le<uint16_t>(chunk.data() + 24);
  const bool pcm =
      out.encoding == kPcm && (out.bits == 8 || out.bits == 16 || out.bits == 24 || out.bits == 32);
  const bool floats = out.encoding == kFloat && (out.bits == 32 || out.bits == 64);
  if (!pcm && !floats)
    return Error::not_supported(
        "encoding {} of {} bits, expected PCM of 8, 16, 24 or 32 bits, or float of 32 or 64", out.encoding,
        out.bits);
  if (out.channels < 1 || out.channels > 64)
    return Error::not_supported("{} channels, expected 1 to 64", out.channels);
  if (out.rate < 1000 || out.rate > 400'000)
    return Error::not_supported("{} samples a second, expected 1000 to 400000", out.rate);
  return out;
}

double read_sample(const std::byte* from, const WaveFormat& format) {
  switch (format.bits) {
    case 8:
      return (std::to_integer<int>(*from) - 128) / 128.0;
    case 16:
      return static_cast<int16_t>(read_le<uint16_t>(from)) / 32768.0;
    case 24: {
      const uint32_t bits =
          static_cast<uint32_t>(read_le<uint16_t>(from)) << 8 | std::to_integer<uint32_t>(from[2]) << 24;
      return static_cast<int32_t>(bits) / 2147483648.0;
    }
    case 32: {
      const auto bits = read_le<uint32_t>(from);
      return format.encoding == kFloat ? double{std::bit_cast<float>(bits)}
                                       : static_cast<int32_t>(bits) / 2147483648.0;
    }
    default:
      return std::bit_cast<double>(read_le<uint64_t>(from));
  }
}

Result<Sound> decode_samples(std::span<const std::byte> data, const WaveFormat& format) {
  const auto sample_bytes = static_cast<size_t>(format.bits / 8);
  const auto channels = static_cast<size_t>(format.channels);
  Sound out;
  out.rate = format.rate;
  const size_t count = data.size() / (sample_bytes * channels);
  out.samples.resize(count);
  const std::byte* from = data.data();
  for (float& sample : out.samples) {
    double sum = 0;
    for (size_t c = 0; c < channels; ++c, from += sample_bytes) sum += read_sample(from, format);
    if (!std::isfinite(sum)) return Error::invalid_argument("a sample is no number");
    sample = static_cast<float>(std::clamp(sum / static_cast<double>(channels), -1e6, 1e6));
  }
  return out;
}

/// Modified Bessel function of the first kind, order 0.
double bessel_i0(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

/// A sinc of `cutoff` times the input's half rate, under a Kaiser window of `reach` input samples a side.
class WindowedSinc {
 public:
  explicit WindowedSinc(double cutoff) : cutoff_(cutoff), reach_(kCrossings / cutoff) {}
  int64_t taps() const { return static_cast<int64_t>(std::floor(reach_)) * 2 + 2; }
  /// x: input samples from the middle.
  double at(double x) const {
    const double angle = std::numbers::pi * x * cutoff_;
    const double sinc = std::abs(angle) < 1e-9 ? 1 : std::sin(angle) / angle;
    const double inside = 1 - (x / reach_) * (x / reach_);
    return inside > 0 ? cutoff_ * sinc * bessel_i0(kBeta * std::sqrt(inside)) / i0_beta_ : 0;
  }

 private:
  static constexpr double kCrossings = 32, kBeta = 9;
  double cutoff_, reach_;
  double i0_beta_ = bessel_i0(kBeta);
};

}  // namespace

Result<Sound> parse_wav_file(std::span<const std::byte> bytes) {
  const auto is = [&](size_t at, const char* name) {
    return at + 4 <= bytes.size() && std::memcmp(bytes.data() + at, name, 4) == 0;
  };
  if (!is(0, "RIFF") || !is(8, "WAVE")) return Error::invalid_argument("not a WAV file (RIFF WAVE)");
  std::optional<WaveFormat> form;
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const size_t size = std::min<size_t>(read_le<uint32_t>(bytes.data() + at + 4), bytes.size() - at - 8);
    const auto chunk = bytes.subspan(at + 8, size);
    if (is(at, "fmt ")) {
      TRY(form, parse_format(chunk));
    } else if (is(at, "data")) {
      if (!form) return Error::invalid_argument("its samples come before their format");
      return decode_samples(chunk, *form);
    }
    at += 8 + size + (size & 1);  // chunks begin at even places
  }
  return Error::invalid_argument("{}", form ? "it has no samples (no data chunk)" : "it has no format chunk");
}

Result<Sound> read_wav(const std::filesystem::path& path) {
  constexpr uint64_t kLargestFile = uint64_t{4} << 30;
  TRY(const Bytes bytes, map_file(path, kLargestFile));
  try {
    return parse_wav_file(bytes.span()).context("reading {}", path);
  } catch (const std::bad_alloc&) {
    return Error::out_of_memory("no memory for the sound of {}", path);
  }
}

std::string wav_bytes(const Sound& sound) {
  std::string out;
  const auto put = [&](uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  };
  const auto data_bytes = static_cast<uint32_t>(sound.samples.size() * 2);
  out += "RIFF";
  put(36 + data_bytes, 4);
  out += "WAVEfmt ";
  put(16, 4);
  put(kPcm, 2);
  put(1, 2);
  put(static_cast<uint32_t>(sound.rate), 4);
  put(static_cast<uint32_t>(sound.rate * 2), 4);
  put(2, 2);
  put(16, 2);
  out += "data";
  put(data_bytes, 4);
  for (const float sample : sound.samples)
    put(static_cast<uint32_t>(
            static_cast<int32_t>(std::lround(std::clamp(sample * 32768.0f, -32768.0f, 32767.0f)))),
        2);
  return out;
}

// Each output sample is a sum of input samples under a windowed sinc; since the rates are whole numbers, only
// `up` different sets of weights occur (Smith 2002, "Digital Audio Resampling"), fewer in a short sound.
Result<Sound> resampled(const Sound& sound, int64_t rate) {
  if (rate == sound.rate) return sound;
  if (rate < 1000 || rate > 400'000)
    return Error::invalid_argument("{} samples a second, expected 1000 to 400000", rate);
  const int64_t common = std::gcd(rate, sound.rate), up = rate / common, down = sound.rate / common;
  const WindowedSinc filter(std::min(1.0, static_cast<double>(up) / static_cast<double>(down)));
  const int64_t taps = filter.taps();
  try {
    const auto count = static_cast<int64_t>(sound.samples.size());
    Sound out;
    out.rate = rate;
    out.samples.resize(static_cast<size_t>((count * up + down - 1) / down));
    const int64_t sets = std::min(up, static_cast<int64_t>(out.samples.size()));
    std::vector<double> weights(static_cast<size_t>(sets * taps));
    for (int64_t set = 0; set < sets; ++set)
      for (int64_t k = 0; k < taps; ++k) {
        // Input sample k - taps / 2 + 1 from the output, which lies so much after sample 0:
        const double after = static_cast<double>(set * down % up) / static_cast<double>(up);
        weights[static_cast<size_t>(set * taps + k)] =
            filter.at(static_cast<double>(k - taps / 2 + 1) - after);
      }
    for (size_t i = 0; i < out.samples.size(); ++i) {
      const int64_t base = static_cast<int64_t>(i) * down / up, set = static_cast<int64_t>(i) % up;
      double sum = 0;
      for (int64_t k = 0; k < taps; ++k) {
        const int64_t at = base + k - taps / 2 + 1;
        if (at >= 0 && at < count)
          sum +=
              weights[static_cast<size_t>(set * taps + k)] * double{sound.samples[static_cast<size_t>(at)]};
      }
      out.samples[i] = static_cast<float>(sum);
    }
    return out;
  } catch (const std::bad_alloc&) {
    return Error::out_of_memory("no memory to change the rate to {}", rate);
  }
}

}  // namespace pochade

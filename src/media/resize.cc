// Separable resampling with antialiasing: a row of the result is a weighted sum of source rows that were
// resampled along x before; only as many of those as the filter is high are kept.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/checked.h"
#include "media/transform.h"

namespace pochade {
namespace {

double triangle(double x) {
  return std::max(0.0, 1.0 - std::abs(x));
}

double sinc(double x) {
  const double angle = x * std::numbers::pi;
  return x == 0 ? 1 : std::sin(angle) / angle;
}
double lanczos3(double x) {
  return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

/// For each output position, the first source position and the weights from there on (they sum to 1).
struct Taps {
  std::vector<int> first;
  std::vector<int> count;
  std::vector<float> weights;     // stride values a position
  std::vector<int32_t> integers;  // the same in units of 2^-kWeightBits, where asked for
  int stride = 0;
};

constexpr int kWeightBits = 22;

Taps taps_for(int source, int output, Filter filter, bool integers = false) {
  const double scale = static_cast<double>(source) / output;
  const double widening = std::max(scale, 1.0);
  const double support = (filter == Filter::kTriangle ? 1.0 : 3.0) * widening;
  Taps taps;
  taps.stride = static_cast<int>(std::min<double>(source, std::ceil(support) * 2 + 1));
  taps.first.resize(static_cast<size_t>(output));
  taps.count.resize(static_cast<size_t>(output));
  taps.weights.resize(static_cast<size_t>(output) * static_cast<size_t>(taps.stride));
  if (integers) taps.integers.resize(taps.weights.size());
  std::vector<double> weights(static_cast<size_t>(taps.stride));
  for (int i = 0; i < output; ++i) {
    const double center = (i + 0.5) * scale;
    const int begin = std::max(0, static_cast<int>(center - support + 0.5));
    const int end = std::min({source, static_cast<int>(center + support + 0.5), begin + taps.stride});
    double sum = 0;
    for (int s = begin; s < end; ++s) {
      const double x = (s + 0.5 - center) / widening;
      const double weight = filter == Filter::kTriangle ? triangle(x) : lanczos3(x);
      weights[static_cast<size_t>(s - begin)] = weight;
      sum += weight;
    }
    taps.first[static_cast<size_t>(i)] = begin;
    taps.count[static_cast<size_t>(i)] = end - begin;
    for (int k = 0; integers && k < end - begin; ++k) {
      const double weight = weights[static_cast<size_t>(k)] / sum * (1 << kWeightBits);
      taps.integers[static_cast<size_t>(i) * static_cast<size_t>(taps.stride) + static_cast<size_t>(k)] =
          static_cast<int32_t>(weight + (weight < 0 ? -0.5 : 0.5));
    }
    for (int k = 0; k < end - begin; ++k)
      taps.weights[static_cast<size_t>(i) * static_cast<size_t>(taps.stride) + static_cast<size_t>(k)] =
          static_cast<float>(weights[static_cast<size_t>(k)] / sum);
  }
  return taps;
}

/// One source row as floats, colour multiplied by alpha, so that transparent pixels lend no colour.
void load_row(const Image& image, int y, float* out) {
  const uint16_t* row = image.row(y);
  for (size_t i = 0; i < image.row_values(); ++i) out[i] = row[i];
  if (!image.has_alpha()) return;
  for (size_t x = 0; x < static_cast<size_t>(image.width()); ++x)
    for (size_t c = 0; c < 3; ++c) out[4 * x + c] *= out[4 * x + 3] / 65535.0f;
}

template <int kChannels>
void resample_row(const float* row, const Taps& taps, float* out) {
  for (size_t i = 0; i < taps.first.size(); ++i) {
    const float* from = row + static_cast<size_t>(taps.first[i]) * kChannels;
    const float* weights = taps.weights.data() + i * static_cast<size_t>(taps.stride);
    float sum[kChannels] = {};
    for (int k = 0; k < taps.count[i]; ++k)
      for (int c = 0; c < kChannels; ++c) sum[c] += weights[k] * from[k * kChannels + c];
    for (int c = 0; c < kChannels; ++c) out[i * kChannels + static_cast<size_t>(c)] = sum[c];
  }
}

uint16_t to_16_bits(float value) {
  return static_cast<uint16_t>(std::clamp(value, 0.0f, 65535.0f) + 0.5f);
}

void store_row(const float* row, Image& image, int y) {
  uint16_t* out = image.row(y);
  if (!image.has_alpha()) {
    for (size_t i = 0; i < image.row_values(); ++i) out[i] = to_16_bits(row[i]);
    return;
  }
  for (size_t x = 0; x < static_cast<size_t>(image.width()); ++x) {
    const float alpha = row[4 * x + 3];
    for (size_t c = 0; c < 3; ++c)
      out[4 * x + c] = alpha > 0 ? to_16_bits(row[4 * x + c] * 65535.0f / alpha) : 0;
    out[4 * x + 3] = to_16_bits(alpha);
  }
}

/// Source rows resampled along x, the latest `capacity` of them.
class RowWindow {
 public:
  RowWindow(const Image& image, const Taps& taps, int capacity)
      : image_(image),
        taps_(taps),
        capacity_(capacity),
        values_(taps.first.size() * static_cast<size_t>(image.channels())),
        source_(image.row_values()),
        rows_(values_ * static_cast<size_t>(capacity)) {}

  /// Row y; rows must be asked for in such an order that none before y - capacity is asked for again.
  const float* row(int y) {
    for (; next_ <= y; ++next_) {
      load_row(image_, next_, source_.data());
      if (image_.has_alpha())
        resample_row<4>(source_.data(), taps_, slot(next_));
      else
        resample_row<3>(source_.data(), taps_, slot(next_));
    }
    return slot(y);
  }
  size_t values() const { return values_; }

 private:
  float* slot(int y) { return rows_.data() + static_cast<size_t>(y % capacity_) * values_; }

  const Image& image_;
  const Taps& taps_;
  int capacity_;
  size_t values_;
  std::vector<float> source_;
  std::vector<float> rows_;
  int next_ = 0;
};

Result<Image> resize_checked(const Image& image, int width, int height, Filter filter) {
  TRY(auto out, Image::create(width, height, image.channels()));
  const Taps across = taps_for(image.width(), width, filter);
  const Taps down = taps_for(image.height(), height, filter);
  RowWindow window(image, across, down.stride);
  std::vector<float> sum(window.values());
  for (int y = 0; y < height; ++y) {
    const auto at = static_cast<size_t>(y);
    std::ranges::fill(sum, 0.0f);
    for (int k = 0; k < down.count[at]; ++k) {
      const float weight = down.weights[at * static_cast<size_t>(down.stride) + static_cast<size_t>(k)];
      const float* row = window.row(down.first[at] + k);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += weight * row[i];
    }
    store_row(sum.data(), out, y);
  }
  return out;
}

/// Bytes resampled along one axis: `lines` rows of `source` steps, each step `inner` neighbouring bytes.
std::vector<uint8_t> resampled_bytes(const std::vector<uint8_t>& from, size_t lines, size_t source,
                                     size_t inner, const Taps& taps) {
  const size_t output = taps.first.size();
  std::vector<uint8_t> out(lines * output * inner);
  for (size_t line = 0; line < lines; ++line)
    for (size_t i = 0; i < output; ++i) {
      const uint8_t* first = from.data() + (line * source + static_cast<size_t>(taps.first[i])) * inner;
      const int32_t* weights = taps.integers.data() + i * static_cast<size_t>(taps.stride);
      uint8_t* to = out.data() + (line * output + i) * inner;
      for (size_t c = 0; c < inner; ++c) {
        int64_t sum = int64_t{1} << (kWeightBits - 1);
        for (size_t k = 0; k < static_cast<size_t>(taps.count[i]); ++k)
          sum += int64_t{weights[k]} * first[k * inner + c];
        to[c] = static_cast<uint8_t>(std::clamp<int64_t>(sum >> kWeightBits, 0, 255));
      }
    }
  return out;
}

Result<Image> resize_bytes_checked(const Image& image, int width, int height) {
  TRY(auto out, Image::create(width, height, image.channels()));
  std::vector<uint8_t> bytes(image.values().size());
  std::ranges::transform(image.values(), bytes.begin(), to_8_bits);
  const auto channels = static_cast<size_t>(image.channels());
  const auto rows = static_cast<size_t>(image.height()), columns = static_cast<size_t>(image.width());
  constexpr size_t kMostBetween = size_t{1} << 31;  // bytes of a picture that is resampled along x alone
  if (rows * static_cast<size_t>(width) * channels > kMostBetween) throw std::bad_alloc();
  if (width != image.width())
    bytes = resampled_bytes(bytes, rows, columns, channels,
                            taps_for(image.width(), width, Filter::kTriangle, true));
  if (height != image.height())
    bytes = resampled_bytes(bytes, 1, rows, static_cast<size_t>(width) * channels,
                            taps_for(image.height(), height, Filter::kTriangle, true));
  std::ranges::transform(bytes, out.values().begin(), from_8_bits);
  return out;
}

constexpr int64_t kLargestSide = 1 << 20;

Status check_sides(int64_t width, int64_t height) {
  if (width < 1 || height < 1 || width > kLargestSide || height > kLargestSide)
    return Error::invalid_argument("a size of {}x{} cannot be", width, height);
  return {};
}

}  // namespace

Result<Image> resize_bytes(const Image& image, int64_t width, int64_t height) {
  TRY(check_sides(width, height));
  try {
    return resize_bytes_checked(image, static_cast<int>(width), static_cast<int>(height));
  } catch (const std::bad_alloc&) {
    return Error::out_of_memory("no memory to resize to {}x{} pixels", width, height);
  }
}

Result<Image> resize(const Image& image, int64_t width, int64_t height, Filter filter) {
  TRY(check_sides(width, height));
  if (width == image.width() && height == image.height()) return image.clone();
  try {
    return resize_checked(image, static_cast<int>(width), static_cast<int>(height), filter);
  } catch (const std::bad_alloc&) {
    return Error::out_of_memory("no memory to resize to {}x{} pixels", width, height);
  }
}

}  // namespace pochade

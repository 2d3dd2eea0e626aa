#include "data/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace pochade {
namespace {

std::vector<double> luma(const Image& image) {
  std::vector<double> out;
  out.reserve(static_cast<size_t>(image.width()) * static_cast<size_t>(image.height()));
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) {
      const uint16_t* p = image.pixel(x, y);
      out.push_back((0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]) / 257.0);
    }
  return out;
}

constexpr int kWindow = 11;

std::array<double, kWindow> gaussian_window() {
  std::array<double, kWindow> out{};
  double sum = 0;
  for (int i = 0; i < kWindow; ++i) {
    const double x = i - kWindow / 2;
    out[static_cast<size_t>(i)] = std::exp(-x * x / (2 * 1.5 * 1.5));
    sum += out[static_cast<size_t>(i)];
  }
  for (double& weight : out) weight /= sum;
  return out;
}

/// Weighted means over all whole windows: (width - 10) x (height - 10).
std::vector<double> blurred(const std::vector<double>& values, int width, int height) {
  static const std::array<double, kWindow> weights = gaussian_window();
  const int columns = width - kWindow + 1, rows = height - kWindow + 1;
  std::vector<double> across(static_cast<size_t>(columns) * static_cast<size_t>(height));
  const auto at = [](int x, int y, int w) {
    return static_cast<size_t>(y) * static_cast<size_t>(w) + static_cast<size_t>(x);
  };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < columns; ++x) {
      double sum = 0;
      for (int k = 0; k < kWindow; ++k) sum += weights[static_cast<size_t>(k)] * values[at(x + k, y, width)];
      across[at(x, y, columns)] = sum;
    }
  std::vector<double> out(static_cast<size_t>(columns) * static_cast<size_t>(rows));
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) {
      double sum = 0;
      for (int k = 0; k < kWindow; ++k)
        sum += weights[static_cast<size_t>(k)] * across[at(x, y + k, columns)];
      out[at(x, y, columns)] = sum;
    }
  return out;
}

std::vector<double> products(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  std::ranges::transform(a, b, out.begin(), std::multiplies<>());
  return out;
}

Status expect_one_size(const Image& a, const Image& b) {
  if (a.width() == b.width() && a.height() == b.height()) return {};
  return Error::invalid_argument("{}x{} pixels against {}x{}", a.width(), a.height(), b.width(), b.height());
}

}  // namespace

Interval wilson_interval(int64_t successes, int64_t n) {
  if (n == 0) return {0, 1};
  constexpr double z = 1.959963984540054;  // 97.5% of the standard normal distribution lies below
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(successes) / count;
  const double middle = (p + z * z / (2 * count)) / (1 + z * z / count);
  const double half = z / (1 + z * z / count) * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

std::vector<size_t> top_scores(std::span<const float> scores, size_t count) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  count = std::min(count, order.size());
  const auto key = [&](size_t i) {
    return std::isnan(scores[i]) ? -std::numeric_limits<float>::infinity() : scores[i];
  };
  std::ranges::partial_sort(order, order.begin() + static_cast<ptrdiff_t>(count),
                            [&](size_t a, size_t b) { return key(a) != key(b) ? key(a) > key(b) : a < b; });
  order.resize(count);
  return order;
}

void Classification::add(size_t truth, std::span<const float> scores) {
  ++n_;
  const auto best = top_scores(scores, 5);
  if (best.empty()) return;
  top1_ += best[0] == truth;
  top5_ += std::ranges::find(best, truth) != best.end();
  ++confusion_[{truth, best[0]}];
}

double overlap(const Box& a, const Box& b) {
  const Box both{std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right),
                 std::min(a.bottom, b.bottom)};
  const double shared = both.area(), all = a.area() + b.area() - shared;
  return all > 0 ? shared / all : 0;
}

void AveragePrecision::add(std::span<const ScoredBox> found, std::span<const TrueBox> truth) {
  ++pictures_;
  for (const TrueBox& t : truth) classes_[t.label].boxes += !t.difficult;
  std::vector<size_t> order(found.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return found[a].score > found[b].score; });
  std::vector<uint16_t> taken(truth.size(), 0);
  for (const size_t i : order) {
    Found result{.score = found[i].score};
    for (size_t t = 0; t < kThresholds; ++t) {
      const double least = 0.5 + 0.05 * static_cast<double>(t);
      size_t best = truth.size();
      double best_overlap = least - 1e-9;
      for (size_t j = 0; j < truth.size(); ++j) {
        const bool free = (taken[j] >> t & 1) == 0 || truth[j].difficult;
        if (!free || truth[j].label != found[i].label) continue;
        const double shared = overlap(found[i].box, truth[j].box);
        if (shared >= best_overlap && (best == truth.size() || shared > best_overlap)) {
          best = j;
          best_overlap = shared;
        }
      }
      if (best == truth.size()) continue;
      const auto bit = static_cast<uint16_t>(1u << t);
      (truth[best].difficult ? result.ignored : result.right) |= bit;
      taken[best] |= bit;
    }
    classes_[found[i].label].found.push_back(result);
  }
}

std::optional<double> AveragePrecision::of(size_t label, size_t threshold) const {
  const auto at = classes_.find(label);
  if (at == classes_.end() || at->second.boxes == 0) return std::nullopt;
  std::vector<Found> found = at->second.found;
  std::ranges::stable_sort(found, [](const Found& a, const Found& b) { return a.score > b.score; });
  std::vector<double> precision, recall;
  int64_t right = 0, all = 0;
  for (const Found& f : found) {
    if (f.ignored >> threshold & 1) continue;
    ++all;
    right += f.right >> threshold & 1;
    precision.push_back(static_cast<double>(right) / static_cast<double>(all));
    recall.push_back(static_cast<double>(right) / static_cast<double>(at->second.boxes));
  }
  double area = 0, best = 0;
  for (size_t i = precision.size(); i-- > 0;) {
    best = std::max(best, precision[i]);
    area += best * (recall[i] - (i > 0 ? recall[i - 1] : 0));
  }
  return area;
}

std::vector<size_t> AveragePrecision::labels() const {
  std::vector<size_t> out;
  for (const auto& [label, one] : classes_)
    if (one.boxes > 0) out.push_back(label);
  return out;
}

int64_t AveragePrecision::true_boxes(size_t label) const {
  const auto at = classes_.find(label);
  return at == classes_.end() ? 0 : at->second.boxes;
}

double AveragePrecision::mean(size_t threshold) const {
  const auto all = labels();
  double sum = 0;
  for (const size_t label : all) sum += of(label, threshold).value_or(0);
  return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

double AveragePrecision::mean_over_thresholds() const {
  double sum = 0;
  for (size_t t = 0; t < kThresholds; ++t) sum += mean(t);
  return sum / static_cast<double>(kThresholds);
}

Status MeanIou::add(std::span<const uint8_t> found, std::span<const uint8_t> truth) {
  if (found.size() != truth.size())
    return Error::invalid_argument("{} pixels against {}", found.size(), truth.size());
  ++pictures_;
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] == kIgnored) continue;
    ++found_[found[i]];
    ++truth_[truth[i]];
    both_[truth[i]] += found[i] == truth[i];
  }
  return {};
}

std::optional<double> MeanIou::of(size_t label) const {
  if (label >= both_.size()) return std::nullopt;
  const int64_t all = found_[label] + truth_[label] - both_[label];
  if (all == 0) return std::nullopt;
  return static_cast<double>(both_[label]) / static_cast<double>(all);
}

double MeanIou::mean() const {
  double sum = 0;
  int count = 0;
  for (size_t label = 0; label < both_.size(); ++label)
    if (const auto one = of(label)) {
      sum += *one;
      ++count;
    }
  return count == 0 ? 0 : sum / count;
}

double MeanIou::pixel_accuracy() const {
  const auto sum = [](const std::array<int64_t, 256>& counts) {
    return static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  };
  return sum(truth_) > 0 ? sum(both_) / sum(truth_) : 0;
}

Result<double> psnr_db(const Image& a, const Image& b) {
  TRY(expect_one_size(a, b));
  double squares = 0;
  for (int y = 0; y < a.height(); ++y)
    for (int x = 0; x < a.width(); ++x)
      for (int c = 0; c < 3; ++c) {
        const double difference =
            static_cast<double>(to_8_bits(a.pixel(x, y)[c])) - to_8_bits(b.pixel(x, y)[c]);
        squares += difference * difference;
      }
  if (squares == 0) return std::numeric_limits<double>::infinity();
  const double values = 3.0 * a.width() * a.height();
  return 20 * std::log10(255.0) - 10 * std::log10(squares / values);
}

Result<double> ssim(const Image& a, const Image& b) {
  TRY(expect_one_size(a, b));
  const int width = a.width(), height = a.height();
  if (width < kWindow || height < kWindow)
    return Error::invalid_argument("{}x{} pixels, expected at least {}x{}", width, height, kWindow, kWindow);
  const auto x = luma(a), y = luma(b);
  const auto mean_x = blurred(x, width, height), mean_y = blurred(y, width, height);
  const auto xx = blurred(products(x, x), width, height), yy = blurred(products(y, y), width, height),
             xy = blurred(products(x, y), width, height);
  const double c1 = std::pow(0.01 * 255, 2), c2 = std::pow(0.03 * 255, 2);
  double sum = 0;
  for (size_t i = 0; i < xx.size(); ++i) {
    const double mx = mean_x[i], my = mean_y[i];
    const double var_x = xx[i] - mx * mx, var_y = yy[i] - my * my, covariance = xy[i] - mx * my;
    sum += (2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (var_x + var_y + c2));
  }
  return sum / static_cast<double>(xx.size());
}

}  // namespace pochade

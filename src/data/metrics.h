#pragma once
// How good results are. All of them take samples one by one, so that memory does not grow with their number
// (only average precision keeps what it must: 16 bytes a detection).

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "media/image.h"

namespace pochade {

struct Interval {
  double low = 0, high = 0;
};
/// 95% confidence interval of a proportion (Wilson 1927). No samples: 0..1.
Interval wilson_interval(int64_t successes, int64_t n);

/// The `count` largest scores, largest first; equal ones in the order of their index. NaN is the least.
std::vector<size_t> top_scores(std::span<const float> scores, size_t count);

/// Shares of right answers, and what is taken for what.
class Classification {
 public:
  /// `truth`: the right output's index. Empty scores count as a wrong answer.
  void add(size_t truth, std::span<const float> scores);

  int64_t n() const { return n_; }
  int64_t right() const { return top1_; }
  double top1() const { return share(top1_); }
  double top5() const { return share(top5_); }
  Interval ci95() const { return wilson_interval(top1_, n_); }
  /// Samples of (truth, answer).
  const std::map<std::pair<size_t, size_t>, int64_t>& confusion() const { return confusion_; }

 private:
  double share(int64_t count) const {
    return n_ == 0 ? 0 : static_cast<double>(count) / static_cast<double>(n_);
  }
  int64_t n_ = 0, top1_ = 0, top5_ = 0;
  std::map<std::pair<size_t, size_t>, int64_t> confusion_;
};

/// Corners in pixels, right and bottom excluded.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  double area() const { return right > left && bottom > top ? (right - left) * (bottom - top) : 0; }
};
/// Intersection over union, 0..1.
double overlap(const Box& a, const Box& b);

struct ScoredBox {
  Box box;
  size_t label = 0;
  double score = 0;
};
struct TrueBox {
  Box box;
  size_t label = 0;
  bool difficult = false;  ///< neither asked for nor counted as wrong (PASCAL VOC)
};

/// Average precision: the area under precision (made monotone) over recall, as PASCAL VOC has had it since
/// 2010 (Everingham et al. 2015). A detection matches the free true box of its label that it overlaps most.
class AveragePrecision {
 public:
  static constexpr size_t kThresholds = 10;  ///< overlaps of 0.5, 0.55 ... 0.95
  void add(std::span<const ScoredBox> found, std::span<const TrueBox> truth);

  int64_t pictures() const { return pictures_; }
  /// Of one label at least overlap threshold(i); empty if no true box has the label.
  std::optional<double> of(size_t label, size_t threshold = 0) const;
  /// Mean over the labels that have true boxes.
  double mean(size_t threshold = 0) const;
  /// Mean over all thresholds too (COCO's AP).
  double mean_over_thresholds() const;
  std::vector<size_t> labels() const;
  int64_t true_boxes(size_t label) const;

 private:
  struct Found {
    double score = 0;
    uint16_t right = 0;    ///< a bit a threshold
    uint16_t ignored = 0;  ///< matches a difficult box
  };
  struct Class {
    std::vector<Found> found;
    int64_t boxes = 0;
  };
  std::map<size_t, Class> classes_;
  int64_t pictures_ = 0;
};

/// Intersection over union of pixels of each class, over all pictures.
class MeanIou {
 public:
  static constexpr int kIgnored = 255;
  /// Classes 0 to 254 a pixel; where the truth is 255 nothing counts. Error: different numbers of pixels.
  Status add(std::span<const uint8_t> found, std::span<const uint8_t> truth);
  std::optional<double> of(size_t label) const;  ///< empty: in neither
  double mean() const;
  double pixel_accuracy() const;
  int64_t pictures() const { return pictures_; }

 private:
  std::array<int64_t, 256> both_{}, found_{}, truth_{};
  int64_t pictures_ = 0;
};

/// Peak signal to noise ratio of two pictures of one size in dB, over R, G and B of 8 bits; infinite when
/// equal.
Result<double> psnr_db(const Image& a, const Image& b);
/// Structural similarity of their luma: Gaussian window of 11 with deviation 1.5, K1 0.01, K2 0.03 (Wang et
/// al. 2004). Error: different sizes, or a side below 11.
Result<double> ssim(const Image& a, const Image& b);

}  // namespace pochade

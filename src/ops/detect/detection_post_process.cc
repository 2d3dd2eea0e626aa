#include "ops/detect/detection_post_process.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/eval.h"

namespace pochade {
namespace {

/// Far more than any detector gives, so that a file cannot ask for unbounded memory.
constexpr int64_t kMostDetections = 100'000;

struct Box {
  float top, left, bottom, right;
  float area() const { return (bottom - top) * (right - left); }
};

/// Boxes that may be kept, best score first; equal scores in their order.
struct Found {
  size_t box = 0;
  size_t label = 0;
  float score = 0;
};

Box decode(const DetectionPostProcess& op, const float* code, const float* anchor) {
  const float y = code[0] / op.y_scale * anchor[2] + anchor[0],
              x = code[1] / op.x_scale * anchor[3] + anchor[1];
  const float half_height = 0.5f * std::exp(code[2] / op.height_scale) * anchor[2],
              half_width = 0.5f * std::exp(code[3] / op.width_scale) * anchor[3];
  return {y - half_height, x - half_width, y + half_height, x + half_width};
}

float overlap(const Box& a, const Box& b) {
  const float area_a = a.area(), area_b = b.area();
  if (!(area_a > 0) || !(area_b > 0)) return 0;
  const float height = std::max(std::min(a.bottom, b.bottom) - std::max(a.top, b.top), 0.0f),
              width = std::max(std::min(a.right, b.right) - std::max(a.left, b.left), 0.0f);
  return height * width / (area_a + area_b - height * width);
}

/// Indices of the largest values first; NaN last.
std::vector<size_t> best_first(std::span<const float> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const bool is_a = values[a] == values[a], is_b = values[b] == values[b];
    return is_a != is_b ? is_a : values[a] > values[b];
  });
  return order;
}

/// Greedy: the best box, then the best of those that do not overlap it, and so on.
std::vector<size_t> select(const DetectionPostProcess& op, const std::vector<Box>& boxes,
                           std::span<const float> scores, int64_t most) {
  std::vector<size_t> kept;
  for (const size_t candidate : best_first(scores)) {
    if (static_cast<int64_t>(kept.size()) >= most || !(scores[candidate] >= op.score_threshold)) break;
    const bool is_new = std::none_of(kept.begin(), kept.end(), [&](size_t k) {
      return overlap(boxes[k], boxes[candidate]) > op.iou_threshold;
    });
    if (is_new) kept.push_back(candidate);
  }
  return kept;
}

class Search {
 public:
  Search(const DetectionPostProcess& op, const std::vector<Box>& boxes, const Tensor& scores)
      : op_(op),
        boxes_(boxes),
        scores_(scores.data<float>().data()),
        columns_(static_cast<size_t>(scores.shape()[2])),
        first_(columns_ - static_cast<size_t>(op.classes)) {}

  /// One entry for each place of the output.
  std::vector<Found> by_anchor() const {
    const auto classes = static_cast<size_t>(op_.classes);
    std::vector<float> best(boxes_.size());
    for (size_t box = 0; box < boxes_.size(); ++box) {
      const float* row = scores_ + box * columns_ + first_;
      best[box] = row[best_first({row, classes})[0]];
    }
    std::vector<Found> out;
    for (const size_t box : select(op_, boxes_, best, op_.max_detections)) {
      const float* row = scores_ + box * columns_ + first_;
      const std::vector<size_t> order = best_first({row, classes});
      for (size_t k = 0; k < static_cast<size_t>(op_.max_classes_per_detection) && k < classes; ++k)
        out.push_back({box, order[k], row[order[k]]});
    }
    return out;
  }

  std::vector<Found> by_class() const {
    std::vector<Found> out;
    std::vector<float> column(boxes_.size());
    for (size_t label = 0; label < static_cast<size_t>(op_.classes); ++label) {
      for (size_t box = 0; box < boxes_.size(); ++box) column[box] = scores_[box * columns_ + first_ + label];
      for (const size_t box : select(op_, boxes_, column, op_.detections_per_class))
        out.push_back({box, label, column[box]});
      std::stable_sort(out.begin(), out.end(),
                       [](const Found& a, const Found& b) { return a.score > b.score; });
      if (out.size() > static_cast<size_t>(op_.max_detections))
        out.resize(static_cast<size_t>(op_.max_detections));
    }
    return out;
  }

 private:
  const DetectionPostProcess& op_;
  const std::vector<Box>& boxes_;
  const float* scores_;
  size_t columns_, first_;
};

}  // namespace

Result<Facts> DetectionPostProcess::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 3, 3));
  for (const Fact& fact : in) TRY(expect_dtype(fact, "an input", {DType::kF32}));
  TRY(expect_rank(in[0], "the codes", 3, 3));
  TRY(expect_rank(in[1], "the scores", 3, 3));
  TRY(expect_rank(in[2], "the anchors", 2, 2));
  if (max_detections < 1 || max_classes_per_detection < 1 || classes < 1 || detections_per_class < 1 ||
      max_detections > kMostDetections || max_classes_per_detection > kMostDetections)
    return Error::invalid_model("{} detections of {} classes are asked for", max_detections, classes);
  for (const float scale : {y_scale, x_scale, height_scale, width_scale})
    if (!(scale > 0)) return Error::invalid_model("a scale of the codes is {}", scale);
  const auto codes = in[0].shape(), scores = in[1].shape(), anchors = in[2].shape();
  if (codes && scores && anchors) {
    const bool has_columns = (*scores)[2] == classes || (*scores)[2] == classes + 1;
    if ((*codes)[0] != 1 || (*scores)[0] != 1 || (*codes)[2] < 4 || (*anchors)[1] != 4 || !has_columns ||
        (*codes)[1] != (*scores)[1] || (*codes)[1] != (*anchors)[0])
      return Error::invalid_model("codes {}, scores {} and anchors {} of {} classes do not go together",
                                  *codes, *scores, *anchors, classes);
  }
  const int64_t places = max_detections * std::min(max_classes_per_detection, classes);
  return Facts{Fact(DType::kF32, Shape{1, places, 4}), Fact(DType::kF32, Shape{1, places}),
               Fact(DType::kF32, Shape{1, places}), Fact(DType::kF32, Shape{1})};
}

Result<Tensors> DetectionPostProcess::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const auto anchors = static_cast<size_t>(in[2].shape()[0]);
  const auto code_size = static_cast<size_t>(in[0].shape()[2]);
  std::vector<Box> boxes;
  for (size_t a = 0; a < anchors; ++a)
    boxes.push_back(
        decode(*this, in[0].data<float>().data() + a * code_size, in[2].data<float>().data() + a * 4));
  const Search search(*this, boxes, in[1]);
  const std::vector<Found> found = by_class ? search.by_class() : search.by_anchor();
  const auto places = static_cast<size_t>(out[1].elements());
  for (size_t k = 0; k < found.size() && k < places; ++k) {
    const Box& box = boxes[found[k].box];
    float* to = out[0].mutable_data<float>().data() + 4 * k;
    to[0] = box.top;
    to[1] = box.left;
    to[2] = box.bottom;
    to[3] = box.right;
    out[1].mutable_data<float>()[k] = static_cast<float>(found[k].label);
    out[2].mutable_data<float>()[k] = found[k].score;
  }
  const auto per_box = static_cast<size_t>(by_class ? 1 : std::min(max_classes_per_detection, classes));
  out[3].mutable_data<float>()[0] = static_cast<float>(std::min(found.size(), places) / per_box);
  return out;
}

}  // namespace pochade

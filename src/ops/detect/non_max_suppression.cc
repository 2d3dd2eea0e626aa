#include "ops/detect/non_max_suppression.h"

#include <algorithm>
#include <numeric>

namespace pochade {
namespace {

struct Box {
  double top, left, bottom, right;
  double area() const { return (bottom - top) * (right - left); }
};

Box read_box(const float* v, bool center_point) {
  const double a = v[0], b = v[1], c = v[2], d = v[3];
  if (center_point) return {b - d / 2, a - c / 2, b + d / 2, a + c / 2};
  return {std::min(a, c), std::min(b, d), std::max(a, c), std::max(b, d)};
}

/// Intersection over union; 0 for boxes without area.
double overlap(const Box& a, const Box& b) {
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (!(height > 0 && width > 0)) return 0;
  const double both = height * width, either = a.area() + b.area() - both;
  return either > 0 ? both / either : 0;
}

template <typename T>
T value_or(std::span<const Tensor> in, size_t i, T otherwise) {
  return i < in.size() && in[i].defined() ? in[i].data<T>()[0] : otherwise;
}

Status expect_single(std::span<const Fact> in, size_t i, std::string_view what, DType dtype) {
  if (i >= in.size() || !in[i].present()) return {};
  TRY(expect_dtype(in[i], what, {dtype}));
  const auto shape = in[i].shape();
  if (shape && shape->elements() != 1)
    return Error::invalid_model("{} has {} elements, expected 1", what, shape->elements());
  return {};
}

}  // namespace

Result<Facts> NonMaxSuppression::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 5));
  TRY(expect_dtype(in[0], "boxes", {DType::kF32}));
  TRY(expect_dtype(in[1], "scores", {DType::kF32}));
  TRY(expect_rank(in[0], "boxes", 3, 3));
  TRY(expect_rank(in[1], "scores", 3, 3));
  TRY(expect_single(in, 2, "max_output_boxes_per_class", DType::kI64));
  TRY(expect_single(in, 3, "iou_threshold", DType::kF32));
  TRY(expect_single(in, 4, "score_threshold", DType::kF32));
  if (in[0].dims && in[0].dim(2).is_number() && !in[0].dim(2).is(4))
    return Error::invalid_model("boxes have {} coordinates, expected 4", in[0].dim(2).number());
  Dim count;
  const auto boxes = in[0].shape(), scores = in[1].shape();
  if (boxes && scores) {
    if ((*boxes)[0] != (*scores)[0] || (*boxes)[1] != (*scores)[2])
      return Error::invalid_model("scores have the shape {}, expected {}xCx{}", *scores, (*boxes)[0],
                                  (*boxes)[1]);
    int64_t per_class = (*boxes)[1];
    const auto limit = in.size() > 2 && in[2].present() ? constant_ints(in[2]) : std::vector<int64_t>{0};
    if (limit && !limit->empty()) per_class = std::clamp<int64_t>((*limit)[0], 0, per_class);
    const auto bound = checked_product(std::vector<int64_t>{(*scores)[0], (*scores)[1], per_class});
    if (!bound) return Error::invalid_model("more boxes than can be counted");
    count = Dim::at_most(*bound);
  }
  return Facts{Fact(DType::kI64, Dims{count, Dim(3)})};
}

Result<Tensors> NonMaxSuppression::eval(std::span<const Tensor> in) const {
  const int64_t batches = in[1].shape()[0], classes = in[1].shape()[1], boxes = in[1].shape()[2];
  const int64_t limit = value_or<int64_t>(in, 2, 0);
  const double iou_threshold = static_cast<double>(value_or<float>(in, 3, 0));
  const bool has_score_threshold = in.size() > 4 && in[4].defined();
  const float score_threshold = value_or<float>(in, 4, 0);
  if (!(iou_threshold >= 0 && iou_threshold <= 1))
    return Error::invalid_argument("iou_threshold is {}, expected 0 to 1", iou_threshold);

  std::vector<int64_t> selected;
  for (int64_t n = 0; n < batches; ++n) {
    const float* corners = in[0].data<float>().data() + n * boxes * 4;
    for (int64_t c = 0; c < classes; ++c) {
      const float* scores = in[1].data<float>().data() + (n * classes + c) * boxes;
      std::vector<int64_t> order;
      for (int64_t b = 0; b < boxes; ++b)
        if (!has_score_threshold ? scores[b] == scores[b] : scores[b] > score_threshold) order.push_back(b);
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
      std::vector<Box> kept;
      for (const int64_t b : order) {
        if (static_cast<int64_t>(kept.size()) >= limit) break;
        const Box box = read_box(corners + b * 4, center_point_box);
        if (std::any_of(kept.begin(), kept.end(),
                        [&](const Box& other) { return overlap(box, other) > iou_threshold; }))
          continue;
        kept.push_back(box);
        selected.insert(selected.end(), {n, c, b});
      }
    }
  }
  TRY(Tensor out, Tensor::make(DType::kI64, Shape{static_cast<int64_t>(selected.size()) / 3, 3}));
  std::copy(selected.begin(), selected.end(), out.mutable_data<int64_t>().begin());
  return Tensors{out};
}

}  // namespace pochade

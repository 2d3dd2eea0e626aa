#include "tasks/detect.h"

#include <algorithm>
#include <cmath>

namespace pochade {
namespace {

constexpr double kDefaultThreshold = 0.5;

/// "scores 1x4420x2, boxes 1x4420x4"
std::string shapes_text(std::span<const NetworkOutput> outputs) {
  std::vector<std::string> out;
  for (const NetworkOutput& o : outputs) out.push_back(format("\"{}\" {}", o.name, o.values.shape()));
  return join(out);
}

/// Rows and columns of 1xNxK, NxK, or N (one column).
struct Table {
  std::span<const float> values;
  int64_t rows = 0, columns = 0;
  std::span<const float> row(int64_t i) const {
    return values.subspan(static_cast<size_t>(i * columns), static_cast<size_t>(columns));
  }
};
Table table_of(const Tensor& tensor, bool single_column = false) {
  Table out{tensor.data<float>(), tensor.elements(), 1};
  if (!single_column && tensor.rank() >= 2 && tensor.shape().back() > 0) {
    out.columns = tensor.shape().back();
    out.rows = tensor.elements() / out.columns;
  }
  return out;
}

Box box_of(std::span<const float> v, BoxOrder order) {
  switch (order) {
    case BoxOrder::kXyxy:
      return {v[0], v[1], v[2], v[3]};
    case BoxOrder::kYxyx:
      return {v[1], v[0], v[3], v[2]};
    case BoxOrder::kXywh:
      return {v[0] - v[2] / 2.0, v[1] - v[3] / 2.0, v[0] + v[2] / 2.0, v[1] + v[3] / 2.0};
    case BoxOrder::kYxhw:
      break;
  }
  return {v[1] - v[3] / 2.0, v[0] - v[2] / 2.0, v[1] + v[3] / 2.0, v[0] + v[2] / 2.0};
}

bool is_finite(const Box& box) {
  return std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) &&
         std::isfinite(box.bottom);
}

/// Which output is which, by the card or by shape.
struct Places {
  size_t boxes = 0, scores = 0;
};
Result<Places> places(std::span<const NetworkOutput> outputs, const DetectCard& how) {
  const auto wanted = [&](int64_t index) {
    return index >= 0 && static_cast<size_t>(index) < outputs.size();
  };
  if (how.boxes_output >= 0 || how.scores_output >= 0) {
    if (!wanted(how.boxes_output) || !wanted(how.scores_output))
      return Error::invalid_argument("the card's boxes = {} and scores = {} must both name one of {} outputs",
                                     how.boxes_output, how.scores_output, outputs.size());
    return Places{static_cast<size_t>(how.boxes_output), static_cast<size_t>(how.scores_output)};
  }
  const auto columns = static_cast<int64_t>(4 + 2 * how.keypoints.size());
  for (size_t b = 0; b < outputs.size(); ++b)
    for (size_t s = 0; s < outputs.size(); ++s) {
      const Table boxes = table_of(outputs[b].values), scores = table_of(outputs[s].values);
      const bool fits = b != s && boxes.columns == columns && scores.rows == boxes.rows;
      if (fits && (scores.columns != columns || b < s)) return Places{b, s};
    }
  return Error::not_supported(
      "no boxes of {} numbers with scores beside them among the outputs: {}; a card says what they mean "
      "(--preprocess FILE.toml)",
      columns, shapes_text(outputs));
}

struct BestClass {
  size_t label = 0;
  double score = 0;
};
/// The best class that is not background. Labels count from 0 without the background.
BestClass best_class(std::span<const float> row, const DetectCard& how) {
  const auto largest = static_cast<double>(*std::ranges::max_element(row));
  double sum = 0;
  if (how.activation == ScoreActivation::kSoftmax)
    for (const float v : row) sum += std::exp(v - largest);
  BestClass best{0, -1e300};
  size_t label = 0;
  for (size_t c = 0; c < row.size(); ++c) {
    if (row.size() > 1 && static_cast<int64_t>(c) == how.background) continue;
    double score = row[c];
    if (how.activation == ScoreActivation::kSigmoid) score = 1 / (1 + std::exp(-score));
    if (how.activation == ScoreActivation::kSoftmax) score = std::exp(score - largest) / sum;
    if (score > best.score) best = {label, score};
    ++label;
  }
  return best;
}

/// TFLite_Detection_PostProcess: boxes 1xNx4 (top, left, bottom, right, of 0..1), classes 1xN, scores 1xN,
/// count.
Result<std::vector<Detection>> decode_postprocess(std::span<const NetworkOutput> outputs, int64_t height,
                                                  int64_t width, double threshold) {
  const Tensor *boxes = nullptr, *count = nullptr;
  std::vector<const Tensor*> lists;
  for (const NetworkOutput& o : outputs) {
    // The count of one box looks like its class and its score but for the rank.
    const bool is_count = o.values.elements() == 1 && o.values.rank() <= 1;
    if (o.values.rank() == 3 && o.values.shape().back() == 4 && boxes == nullptr)
      boxes = &o.values;
    else if (is_count && count == nullptr && outputs.size() == 4)
      count = &o.values;
    else
      lists.push_back(&o.values);
  }
  const int64_t rows = boxes == nullptr ? 0 : boxes->elements() / 4;
  if (boxes == nullptr || count == nullptr || lists.size() != 2 || lists[0]->elements() != rows ||
      lists[1]->elements() != rows)
    return Error::not_supported(
        "expected boxes 1xNx4, classes 1xN, scores 1xN and their count, but the outputs are {}",
        shapes_text(outputs));
  const float said = count->data<float>()[0];
  if (!(said >= 0)) return Error::not_supported("the network says that there are {} boxes", said);
  const auto found = static_cast<int64_t>(std::min(said, static_cast<float>(rows)));
  std::vector<Detection> out;
  for (int64_t i = 0; i < found; ++i) {
    const auto at = static_cast<size_t>(i);
    const double score = lists[1]->data<float>()[at];
    const float label = lists[0]->data<float>()[at];
    if (!(score >= threshold) || !(label >= 0 && label < 1e6f)) continue;
    const Box b = box_of(boxes->data<float>().subspan(at * 4, 4), BoxOrder::kYxyx);
    const auto w = static_cast<double>(width), h = static_cast<double>(height);
    const Box box{b.left * w, b.top * h, b.right * w, b.bottom * h};
    if (is_finite(box)) out.push_back({box, static_cast<size_t>(label), score, {}});
  }
  return out;
}

Detection from_anchor(std::span<const float> row, const Anchor& anchor, const DetectCard& how) {
  const bool y_first = how.order == BoxOrder::kYxyx || how.order == BoxOrder::kYxhw;
  const auto number = [&](size_t i) { return double{row[i]}; };
  const size_t ix = y_first ? 1 : 0, iy = y_first ? 0 : 1;
  const auto x_of = [&](double v) { return anchor.x + v * how.center_scale * anchor.width; };
  const auto y_of = [&](double v) { return anchor.y + v * how.center_scale * anchor.height; };
  const auto side = [&](double v, double of) {
    return how.exponential ? of * std::exp(std::min(v * how.size_scale, 50.0)) : of * v * how.size_scale;
  };
  const double x = x_of(number(ix)), y = y_of(number(iy));
  const double w = side(number(2 + ix), anchor.width), h = side(number(2 + iy), anchor.height);
  Detection out;
  out.box = {x - w / 2, y - h / 2, x + w / 2, y + h / 2};
  for (size_t k = 0; k < how.keypoints.size(); ++k)
    out.keypoints.push_back(
        {how.keypoints[k], x_of(number(4 + 2 * k + ix)), y_of(number(4 + 2 * k + iy)), 1});
  return out;
}

Detection from_box(std::span<const float> row, const DetectCard& how, int64_t height, int64_t width) {
  const double w = how.pixels ? 1 : static_cast<double>(width),
               h = how.pixels ? 1 : static_cast<double>(height);
  const Box b = box_of(row, how.order);
  Detection out;
  out.box = {b.left * w, b.top * h, b.right * w, b.bottom * h};
  const bool y_first = how.order == BoxOrder::kYxyx || how.order == BoxOrder::kYxhw;
  for (size_t k = 0; k < how.keypoints.size(); ++k) {
    const double first = row[4 + 2 * k], second = row[5 + 2 * k];
    out.keypoints.push_back(
        {how.keypoints[k], (y_first ? second : first) * w, (y_first ? first : second) * h, 1});
  }
  return out;
}

/// From the network's input to the picture.
void to_picture(const PlacedPicture& placed, const Image& picture, Detection& d) {
  const auto x = [&](double v) { return v * placed.x_scale + placed.left; };
  const auto y = [&](double v) { return v * placed.y_scale + placed.top; };
  const double w = picture.width(), h = picture.height();
  d.box = {std::clamp(x(d.box.left), 0.0, w), std::clamp(y(d.box.top), 0.0, h),
           std::clamp(x(d.box.right), 0.0, w), std::clamp(y(d.box.bottom), 0.0, h)};
  for (Keypoint& k : d.keypoints) {
    k.x = x(k.x);
    k.y = y(k.y);
  }
}

}  // namespace

std::vector<Detection> without_overlaps(std::vector<Detection> all, double most_overlap, size_t most) {
  std::ranges::stable_sort(all, [](const Detection& a, const Detection& b) { return a.score > b.score; });
  std::vector<Detection> kept;
  for (Detection& d : all) {
    if (kept.size() == most) break;
    const bool covered = std::ranges::any_of(
        kept, [&](const Detection& k) { return k.label == d.label && overlap(k.box, d.box) > most_overlap; });
    if (!covered) kept.push_back(std::move(d));
  }
  return kept;
}

std::vector<Anchor> anchors_of(std::span<const AnchorGrid> grids, int64_t height, int64_t width,
                               bool even_cells) {
  std::vector<Anchor> out;
  for (const AnchorGrid& grid : grids) {
    const int64_t rows = (height + grid.stride - 1) / grid.stride,
                  columns = (width + grid.stride - 1) / grid.stride;
    const double cell_width =
        static_cast<double>(even_cells ? width : grid.stride * columns) / static_cast<double>(columns);
    const double cell_height =
        static_cast<double>(even_cells ? height : grid.stride * rows) / static_cast<double>(rows);
    for (int64_t y = 0; y < rows; ++y)
      for (int64_t x = 0; x < columns; ++x)
        for (const auto& [w, h] : grid.sides)
          out.push_back({(static_cast<double>(x) + 0.5) * cell_width,
                         (static_cast<double>(y) + 0.5) * cell_height, w, h});
  }
  return out;
}

Result<std::vector<Detection>> decode_boxes(std::span<const NetworkOutput> outputs, const DetectCard& how,
                                            int64_t height, int64_t width, double threshold) {
  if (how.decoder == DetectCard::Decoder::kPostprocess)
    return decode_postprocess(outputs, height, width, threshold);
  TRY(const Places at, places(outputs, how));
  const Table boxes = table_of(outputs[at.boxes].values);
  Table scores = table_of(outputs[at.scores].values);
  if (scores.rows != boxes.rows) scores = table_of(outputs[at.scores].values, true);
  const auto columns = static_cast<int64_t>(4 + 2 * how.keypoints.size());
  if (boxes.columns < columns || scores.rows != boxes.rows || scores.columns < 1)
    return Error::not_supported("boxes of {} numbers and scores for each do not fit the outputs: {}", columns,
                                shapes_text(outputs));
  std::vector<Anchor> anchors;
  const bool from_anchors = how.decoder == DetectCard::Decoder::kAnchors;
  if (from_anchors) anchors = anchors_of(how.grids, height, width, how.even_cells);
  if (from_anchors && static_cast<int64_t>(anchors.size()) != boxes.rows)
    return Error::invalid_argument(
        "the card's strides and anchors make {} anchors on {}x{}, the network has {} boxes", anchors.size(),
        width, height, boxes.rows);
  std::vector<Detection> out;
  for (int64_t i = 0; i < boxes.rows; ++i) {
    const BestClass best = best_class(scores.row(i), how);
    if (!(best.score >= threshold)) continue;
    Detection d = from_anchors ? from_anchor(boxes.row(i), anchors[static_cast<size_t>(i)], how)
                               : from_box(boxes.row(i), how, height, width);
    d.label = best.label;
    d.score = best.score;
    if (is_finite(d.box)) out.push_back(std::move(d));
  }
  return out;
}

Result<std::vector<Detection>> detect(Network& network, const Image& picture,
                                      std::optional<double> threshold) {
  const TaskCard& task = network.task();
  DetectCard how = task.detect.value_or(DetectCard());
  if (!task.detect && network.graph().outputs().size() == 4) how.decoder = DetectCard::Decoder::kPostprocess;
  TRY(const PictureInput input, network.picture_input());
  TRY(const PlacedPicture placed, network.enter(picture, Fit::kStretch));
  TRY(const auto outputs, network.run(placed.tensor));
  const Shape& entered = placed.tensor.shape();
  const int64_t height = entered[input.channels_first ? 2 : 1], width = entered[input.channels_first ? 3 : 2];
  const double least = threshold.value_or(task.threshold.value_or(kDefaultThreshold));
  TRY(std::vector<Detection> found, decode_boxes(outputs, how, height, width, least));
  for (Detection& d : found) to_picture(placed, picture, d);
  std::erase_if(found, [](const Detection& d) { return d.box.area() <= 0; });
  return without_overlaps(std::move(found), how.nms, static_cast<size_t>(how.most));
}

Result<TaskKind> task_kind(const Network& network) {
  if (network.task().kind) return *network.task().kind;
  if (network.task().detect) return TaskKind::kDetect;
  const Graph& graph = network.graph();
  const Fact& first = graph.fact(graph.outputs()[0].value);
  const bool known = first.dims.has_value();
  const int rank = known ? first.rank() : 0;
  if (graph.outputs().size() >= 2) return TaskKind::kDetect;
  if (rank == 4 && first.dim(1).is(1) && first.dim(3).is(3)) return TaskKind::kPose;
  if (rank == 4 || (rank == 3 && first.dtype && is_integer(*first.dtype))) return TaskKind::kSegment;
  return Result<TaskKind>(Error::not_supported("output \"{}\" is {}: neither boxes nor keypoints nor a mask",
                                               graph.outputs()[0].name, first))
      .hint("Say what it is in a card: [task] kind = \"detect\", \"pose\" or \"segment\".");
}

}  // namespace pochade

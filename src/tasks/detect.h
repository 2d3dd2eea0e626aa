#pragma once
// Boxes, keypoints and masks from a network's numbers.

#include "data/metrics.h"
#include "tasks/network.h"

namespace pochade {

struct Keypoint {
  std::string name;
  double x = 0, y = 0;  ///< pixels of the picture
  double score = 1;
};

struct Detection {
  Box box;  ///< pixels of the picture, inside it
  size_t label = 0;
  double score = 0;
  std::vector<Keypoint> keypoints;
};

/// Greedy: the best box stays, and those of its label that overlap it more than `most_overlap` go. Best
/// first.
std::vector<Detection> without_overlaps(std::vector<Detection> all, double most_overlap, size_t most);

/// Centres and sides of all anchors in pixels of an input of height x width: grid by grid, row by row, cell
/// by cell. A grid has as many cells as its stride needs to cover the input; with `even_cells` they share it
/// evenly, else they are a stride wide and the last one may reach beyond it.
struct Anchor {
  double x = 0, y = 0, width = 0, height = 0;
};
std::vector<Anchor> anchors_of(std::span<const AnchorGrid> grids, int64_t height, int64_t width,
                               bool even_cells = false);

/// Boxes with at least `threshold`, in pixels of a network's input of height x width, before overlaps go.
/// Errors: outputs that `how` does not fit, named with their shapes.
Result<std::vector<Detection>> decode_boxes(std::span<const NetworkOutput> outputs, const DetectCard& how,
                                            int64_t height, int64_t width, double threshold);

/// Boxes in the picture, best first. `threshold` if given, else the card's, else 0.5.
Result<std::vector<Detection>> detect(Network& network, const Image& picture,
                                      std::optional<double> threshold = {});

/// One person's keypoints (1 x 1 x K x 3: y, x, score of the input's height and width, as MoveNet gives
/// them).
Result<std::vector<Keypoint>> find_pose(Network& network, const Image& picture);
/// Names of COCO's 17 keypoints, and which are joined by a limb.
std::span<const std::string_view> coco_keypoints();
std::span<const std::pair<size_t, size_t>> coco_limbs();

/// The class of every pixel of the picture.
struct Mask {
  int width = 0, height = 0;
  std::vector<uint8_t> classes;
};
/// From classes (1 x H x W integers, or with a last 1) or scores (1 x H x W x K, or 1 x K x H x W for a
/// network with channels first); spread over the picture by nearest neighbour. Error: another shape, or a
/// class that is no whole number from 0 to 254 (such as the score of a single class).
Result<Mask> segment(Network& network, const Image& picture);

/// What a network does, as the card says, else as its outputs look. Error: not clear.
Result<TaskKind> task_kind(const Network& network);

}  // namespace pochade

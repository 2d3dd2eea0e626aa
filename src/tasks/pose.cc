// Keypoints of a person.
#include <algorithm>

#include "tasks/detect.h"

namespace pochade {
namespace {

constexpr std::string_view kNames[] = {
    "nose",           "left_eye",   "right_eye",   "left_ear",   "right_ear",   "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
    "right_hip",      "left_knee",  "right_knee",  "left_ankle", "right_ankle"};
constexpr std::pair<size_t, size_t> kLimbs[] = {{0, 1},   {0, 2},   {1, 3},   {2, 4},  {5, 6},  {5, 7},
                                                {7, 9},   {6, 8},   {8, 10},  {5, 11}, {6, 12}, {11, 12},
                                                {11, 13}, {13, 15}, {12, 14}, {14, 16}};

}  // namespace

std::span<const std::string_view> coco_keypoints() {
  return kNames;
}
std::span<const std::pair<size_t, size_t>> coco_limbs() {
  return kLimbs;
}

Result<std::vector<Keypoint>> find_pose(Network& network, const Image& picture) {
  TRY(const PictureInput input, network.picture_input());
  TRY(const PlacedPicture placed, network.enter(picture, Fit::kPad));
  TRY(const auto outputs, network.run(placed.tensor));
  const Tensor& values = outputs[0].values;
  const bool fits = values.rank() >= 2 && values.shape().back() == 3 && values.elements() >= 3 &&
                    values.shape()[values.rank() - 2] * 3 == values.elements();
  if (!fits)
    return Error::not_supported("output \"{}\" is {}, expected keypoints 1x1xKx3 (y, x, score)",
                                outputs[0].name, values.shape());
  const Shape& entered = placed.tensor.shape();
  const auto height = static_cast<double>(entered[input.channels_first ? 2 : 1]),
             width = static_cast<double>(entered[input.channels_first ? 3 : 2]);
  std::vector<Keypoint> out;
  const auto data = values.data<float>();
  const size_t count = data.size() / 3;
  for (size_t k = 0; k < count; ++k) {
    std::string name = count == std::size(kNames) ? std::string(kNames[k]) : format("{}", k);
    if (k < network.labels().size()) name = network.labels()[k];
    out.push_back({std::move(name), data[3 * k + 1] * width * placed.x_scale + placed.left,
                   data[3 * k] * height * placed.y_scale + placed.top, data[3 * k + 2]});
  }
  return out;
}

}  // namespace pochade

// The class of every pixel.
#include <algorithm>
#include <cmath>

#include "tasks/detect.h"

namespace pochade {
namespace {

/// Classes as the network gives them: height x width.
struct Grid {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> classes;
};

Result<Grid> grid_of(const NetworkOutput& output, bool channels_first) {
  const Shape& s = output.values.shape();
  const auto data = output.values.data<float>();
  const bool is_classes = s.rank() == 3 || (s.rank() == 4 && (s[3] == 1 || s[1] == 1)) || s.rank() == 2;
  // A list of scores, 1xK, is no row of pixels.
  if (s.rank() < 2 || s.rank() > 4 || (s.rank() > 2) == (s[0] != 1) || s.elements() == 0)
    return Error::not_supported("output \"{}\" is {}, expected a mask: 1xHxW or 1xHxWxK", output.name, s);
  Grid out;
  if (is_classes) {
    const int first = s.rank() == 2 ? 0 : s.rank() == 4 && s[1] == 1 && s[3] != 1 ? 2 : 1;
    out.height = s[first];
    out.width = s[first + 1];
  } else {
    out.height = s[channels_first ? 2 : 1];
    out.width = s[channels_first ? 3 : 2];
  }
  const int64_t pixels = out.height * out.width, classes = is_classes ? 1 : s.elements() / pixels;
  if (classes > 255)
    return Error::not_supported("output \"{}\" is {}: more than 255 classes", output.name, s);
  out.classes.resize(static_cast<size_t>(pixels));
  for (int64_t i = 0; i < pixels; ++i) {
    if (is_classes) {
      const float v = data[static_cast<size_t>(i)];
      if (!(v >= 0 && v <= 254) || v != std::floor(v))
        return Error::not_supported("output \"{}\" has the class {}, expected a whole number from 0 to 254",
                                    output.name, v);
      out.classes[static_cast<size_t>(i)] = static_cast<uint8_t>(v);
      continue;
    }
    int64_t best = 0;
    const auto score = [&](int64_t k) {
      return data[static_cast<size_t>(channels_first ? k * pixels + i : i * classes + k)];
    };
    for (int64_t k = 1; k < classes; ++k)
      if (score(k) > score(best)) best = k;
    out.classes[static_cast<size_t>(i)] = static_cast<uint8_t>(best);
  }
  return out;
}

}  // namespace

Result<Mask> segment(Network& network, const Image& picture) {
  TRY(const PictureInput input, network.picture_input());
  TRY(const PlacedPicture placed, network.enter(picture, Fit::kPad));
  TRY(const auto outputs, network.run(placed.tensor));
  TRY(const Grid grid, grid_of(outputs[0], input.channels_first));
  const Shape& entered = placed.tensor.shape();
  const auto rows = static_cast<double>(entered[input.channels_first ? 2 : 1]),
             columns = static_cast<double>(entered[input.channels_first ? 3 : 2]);
  Mask out{picture.width(), picture.height(), {}};
  out.classes.resize(static_cast<size_t>(out.width) * static_cast<size_t>(out.height));
  const auto place = [](double at, double all, int64_t size) {
    return std::clamp<int64_t>(static_cast<int64_t>(std::floor(at / all * static_cast<double>(size))), 0,
                               size - 1);
  };
  for (int y = 0; y < out.height; ++y) {
    const int64_t row = place((y + 0.5 - placed.top) / placed.y_scale, rows, grid.height);
    for (int x = 0; x < out.width; ++x) {
      const int64_t column = place((x + 0.5 - placed.left) / placed.x_scale, columns, grid.width);
      out.classes[static_cast<size_t>(y) * static_cast<size_t>(out.width) + static_cast<size_t>(x)] =
          grid.classes[static_cast<size_t>(row * grid.width + column)];
    }
  }
  return out;
}

}  // namespace pochade

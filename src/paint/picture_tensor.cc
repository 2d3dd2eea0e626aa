#include "paint/picture_tensor.h"

#include <vector>

#include "paint/noise.h"

namespace pochade {
namespace {

void add_noise(float* row, int64_t y, int64_t width, const Preprocess& how) {
  const auto deviation = static_cast<float>(how.noise_std);
  for (int64_t x = 0; x < width; ++x, row += 3) {
    const auto noise = gaussian_noise(how.noise_seed, x, y);
    for (size_t c = 0; c < 3; ++c) row[c] += deviation * noise[c];
  }
}

}  // namespace

int64_t reflected(int64_t i, int64_t size) {
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1);
  i = ((i % period) + period) % period;
  return i < size ? i : period - i;
}

Result<Tensor> to_tensor(const Image& photo, const Preprocess& how, int64_t height, int64_t width,
                         int64_t top, int64_t left) {
  TRY(auto out, Tensor::make(DType::kF32, {1, height, width, 3}));
  const auto values = out.mutable_data<float>();
  const PictureSide& side = how.input;
  std::vector<int> columns(static_cast<size_t>(width));
  for (int64_t x = 0; x < width; ++x)
    columns[static_cast<size_t>(x)] = static_cast<int>(reflected(x - left, photo.width()));
  for (int64_t y = 0; y < height; ++y) {
    const uint16_t* from = photo.row(static_cast<int>(reflected(y - top, photo.height())));
    float* const row = values.data() + y * width * 3;
    float* to = row;
    for (const int column : columns) {
      const uint16_t* pixel = from + static_cast<size_t>(column) * static_cast<size_t>(photo.channels());
      for (size_t c = 0; c < 3; ++c) {
        const size_t colour = side.colour_of(c);
        *to++ = side.value(colour, pixel[colour] / 257.0);
      }
    }
    if (how.noise_std > 0) add_noise(row, y, width, how);
  }
  return out;
}

Result<Image> from_tensor(const Tensor& tensor, const PictureSide& side, int64_t top, int64_t left,
                          int64_t height, int64_t width) {
  const Shape& shape = tensor.shape();
  if (tensor.dtype() != DType::kF32 || shape.rank() != 4 || shape[0] != 1 || shape[3] != 3)
    return Error::not_supported("the network gives {} of {}, not a picture of 3 channels", shape,
                                tensor.dtype());
  if (top < 0 || left < 0 || height < 1 || width < 1 || top > shape[1] - height || left > shape[2] - width)
    return Error::invalid_argument("{}x{} at {},{} is outside the painting of {}x{}", width, height, left,
                                   top, shape[2], shape[1]);
  TRY(auto image, Image::create(width, height, 3));
  const auto values = tensor.data<float>();
  for (int64_t y = 0; y < height; ++y) {
    const float* from = values.data() + ((top + y) * shape[2] + left) * 3;
    uint16_t* to = image.row(static_cast<int>(y));
    for (int64_t x = 0; x < width; ++x, from += 3, to += 3)
      for (size_t c = 0; c < 3; ++c) {
        const size_t colour = side.colour_of(c);
        to[colour] = side.pixel(colour, from[c]);
      }
  }
  return image;
}

}  // namespace pochade

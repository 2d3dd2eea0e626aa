#pragma once
// A picture becomes the tensor that a network's input takes: the one place where tasks, datasets and
// calibration do it.

#include <memory>

#include "base/result.h"
#include "data/preprocess.h"
#include "graph/graph.h"
#include "media/image.h"

namespace pochade {

/// The input of a network that sees one picture at a time.
struct PictureInput {
  std::string name;
  DType dtype = DType::kF32;
  int64_t height = 0, width = 0;  ///< 0: the picture's own
  int64_t channels = 3;           ///< 3, or 1: grey (BT.601 luma)
  bool channels_first = false;
  std::shared_ptr<const Quantization> quantization;

  Shape shape(int64_t rows, int64_t columns) const {
    return channels_first ? Shape{1, channels, rows, columns} : Shape{1, rows, columns, channels};
  }
};

/// How input `index` of the graph takes a picture. An unknown batch counts as 1. `size` (height, width) is
/// for sizes that the graph leaves open. Errors name the input: rank not 4, neither 1 nor 3 channels, a batch
/// of several, a type that no picture has, quantization by channel.
Result<PictureInput> picture_input(const Graph& graph, size_t index = 0,
                                   const std::optional<std::array<int64_t, 2>>& size = std::nullopt);

/// A tensor, and where its pixels lie in the picture:
/// picture x = network x * x_scale + left (in pixels; their corners), y likewise.
struct PlacedPicture {
  Tensor tensor;
  double x_scale = 1, y_scale = 1;
  double left = 0, top = 0;
};

/// Brings the picture to the input's size by `how.fit` (`fit` if that is not said) with antialiased bilinear
/// resampling of 8-bit values as Pillow's, and scales by `how.input`. A picture that has the
/// input's size already enters as it is.
/// Integer inputs: values are quantized by the input's scale and zero point; pixels that enter as they are
/// ("raw") become v (uint8) or v - 128 (int8) whatever the scale. Errors: no memory.
Result<PlacedPicture> enter_picture(const Image& picture, const Preprocess& how, const PictureInput& input,
                                    Fit fit = Fit::kCrop);

/// A network's f32 picture (1 x H x W x C or, channels first, 1 x C x H x W; C 3 or 1) as pixels; values
/// outside the range are clipped. Error: another shape.
Result<Image> picture_of_output(const Tensor& values, const PictureSide& side, bool channels_first);

/// Real values as an input or output of `dtype` has them: rounded half away from zero, saturated.
Result<Tensor> quantized(const Tensor& real, DType dtype, const Quantization* quantization);
/// Real values of any tensor, f32: (q - zero_point) * scale if there is a quantization (by tensor or
/// channel).
Result<Tensor> dequantized(const Tensor& tensor, const Quantization* quantization);

}  // namespace pochade

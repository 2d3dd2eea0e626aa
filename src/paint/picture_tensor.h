#pragma once
// Picture to tensor and back.

#include "base/result.h"
#include "data/preprocess.h"
#include "media/image.h"
#include "tensor/tensor.h"

namespace pochade {

/// Where position `i` of a reflected row of `size` pixels comes from; the edge pixel is not repeated. Any i.
int64_t reflected(int64_t i, int64_t size);

/// The photo with `left`, `top` and as many pixels as reach height x width reflected around it, scaled and
/// ordered for the network, with the noise of `how`. Returns f32 1,H,W,3. Alpha is not looked at. Error: no
/// memory.
Result<Tensor> to_tensor(const Image& photo, const Preprocess& how, int64_t height, int64_t width,
                         int64_t top, int64_t left);

/// The rectangle at (left, top) of f32 1,H,W,3 as a picture of 3 channels; values outside the range are
/// clipped, NaN is black. Errors: not such a tensor, rectangle outside it, no memory.
Result<Image> from_tensor(const Tensor& tensor, const PictureSide& side, int64_t top, int64_t left,
                          int64_t height, int64_t width);

}  // namespace pochade

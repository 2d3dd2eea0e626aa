#pragma once
// A photo and a network make a painting.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/preprocess.h"
#include "media/image.h"
#include "tensor/tensor.h"

namespace pochade {

struct PictureSize {
  int64_t height = 0;
  int64_t width = 0;
  bool operator==(const PictureSize&) const = default;
};
/// "768x512": width first, as people say it.
std::string to_string(const PictureSize& size);

/// The network, as far as painting needs it.
class Painter {
 public:
  virtual ~Painter() = default;
  /// The one size that it takes; empty: many.
  virtual std::optional<PictureSize> fixed_size() = 0;
  /// The size of the painting of a photo of this size, without running. Error: it does not take this size.
  virtual Result<PictureSize> painting_size(PictureSize photo) = 0;
  /// Memory that paint() will need besides its argument; 0: not known.
  virtual int64_t predicted_bytes(PictureSize) { return 0; }
  /// f32 1,H,W,3 in and out, in the network's channel order and range.
  virtual Result<Tensor> paint(const Tensor& photo) = 0;
};

/// --size: "N" is the longer side, "WxH" is filled and cut around the centre.
struct SizeRequest {
  int64_t long_side = 0;
  PictureSize exact;  ///< if long_side is 0
};
/// Error: neither form, or a number outside 1..65535.
Result<SizeRequest> parse_size(std::string_view text);
Result<Image> resized(const Image& photo, const SizeRequest& request);

struct PaintOptions {
  float strength = 1;        ///< 0: the photo, 1: the painting
  bool keep_colors = false;  ///< the painting's light and dark with the photo's colours
};

/// The size and place at which a photo enters a network.
struct Placement {
  PictureSize entering;       ///< with the reflected border
  int64_t top = 0, left = 0;  ///< where the photo begins in it
  PictureSize photo;  ///< the photo's size as it enters: its own, unless the network has one fixed size
  int64_t scale = 1;  ///< the painting's size over the photo's: 2 for a network that doubles
};
/// The smallest border that the network takes, at least `how.pad` on every side.
/// Errors: the network takes none of the sizes tried, or gives a size that is no whole multiple.
Result<Placement> place(PictureSize photo, const Preprocess& how, Painter& painter);

/// Paints. The result has the photo's size (times the network's own scale) and alpha.
/// Errors: what place(), the painter and memory give.
Result<Image> paint_photo(const Image& photo, const Preprocess& how, Painter& painter,
                          const PaintOptions& options);

}  // namespace pochade

#include "paint/paint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/memory.h"
#include "media/blend.h"
#include "media/transform.h"
#include "paint/picture_tensor.h"

namespace pochade {
namespace {

constexpr int64_t kLargestSide = 65535;

std::optional<int64_t> side_in(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kLargestSide)
    return std::nullopt;
  return value;
}

int64_t rounded_up(int64_t size, int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

/// The painting is so many times as large as what enters; empty if it is no whole number of times.
std::optional<int64_t> whole_scale(PictureSize entering, PictureSize painting) {
  const int64_t scale = painting.height / std::max<int64_t>(1, entering.height);
  if (scale < 1 || painting.height != scale * entering.height || painting.width != scale * entering.width)
    return std::nullopt;
  return scale;
}

Placement centred(PictureSize photo, PictureSize entering) {
  return {.entering = entering,
          .top = (entering.height - photo.height) / 2,
          .left = (entering.width - photo.width) / 2,
          .photo = photo};
}

/// The photo is shrunk or grown to fit into the only size that there is, border included.
Result<Placement> place_in_fixed(PictureSize photo, int64_t pad, PictureSize fixed, Painter& painter) {
  const double room_y = static_cast<double>(std::max<int64_t>(1, fixed.height - 2 * pad));
  const double room_x = static_cast<double>(std::max<int64_t>(1, fixed.width - 2 * pad));
  const double factor =
      std::min(room_y / static_cast<double>(photo.height), room_x / static_cast<double>(photo.width));
  const auto fitted = [&](int64_t side, int64_t most) {
    return std::clamp<int64_t>(std::llround(static_cast<double>(side) * factor), 1, most);
  };
  Placement out = centred({fitted(photo.height, fixed.height), fitted(photo.width, fixed.width)}, fixed);
  TRY(const PictureSize painting, painter.painting_size(fixed));
  const auto scale = whole_scale(fixed, painting);
  if (!scale) return Error::not_supported("the network turns {} into {}: no whole multiple", fixed, painting);
  out.scale = *scale;
  return out;
}

Status check_memory(const Placement& placement, Painter& painter) {
  const int64_t pixels = placement.entering.height * placement.entering.width;
  const int64_t tensors = pixels * 3 * int64_t{sizeof(float)} * (1 + placement.scale * placement.scale);
  const int64_t needed = painter.predicted_bytes(placement.entering) + tensors;
  const int64_t available = available_memory_bytes();
  if (needed <= available) return {};
  return Status(Error::out_of_memory("painting {} needs about {} of memory, there are {}", placement.photo,
                                     bytes_text(needed), bytes_text(available)))
      .hint("--size N paints it smaller");
}

Status carry_alpha(Image& painting, const Image& photo) {
  TRY(auto out, Image::create(painting.width(), painting.height(), 4));
  for (int y = 0; y < out.height(); ++y)
    for (int x = 0; x < out.width(); ++x) {
      std::copy_n(painting.pixel(x, y), 3, out.pixel(x, y));
      out.pixel(x, y)[3] = photo.pixel(x, y)[3];
    }
  painting = std::move(out);
  return {};
}

/// What the painting takes from a photo of its own size.
Status finish(Image& painting, const Image& photo, const PaintOptions& options) {
  if (options.keep_colors) TRY(keep_colors(painting, photo));
  if (options.strength < 1) TRY(blend(painting, photo, options.strength));
  if (photo.has_alpha()) TRY(carry_alpha(painting, photo));
  return {};
}

}  // namespace

std::string to_string(const PictureSize& size) {
  return format("{}x{}", size.width, size.height);
}

Result<SizeRequest> parse_size(std::string_view text) {
  const size_t by = text.find_first_of("xX");
  if (by == std::string_view::npos) {
    if (const auto side = side_in(text)) return SizeRequest{.long_side = *side, .exact = {}};
  } else {
    const auto width = side_in(text.substr(0, by)), height = side_in(text.substr(by + 1));
    if (width && height) return SizeRequest{.long_side = 0, .exact = {*height, *width}};
  }
  return Error::invalid_argument("size \"{}\": expected N or WxH with numbers from 1 to {}", text,
                                 kLargestSide);
}

Result<Image> resized(const Image& photo, const SizeRequest& request) {
  if (request.long_side > 0) return fit_long_side(photo, request.long_side);
  return fill(photo, request.exact.width, request.exact.height);
}

Result<Placement> place(PictureSize photo, const Preprocess& how, Painter& painter) {
  if (const auto fixed = painter.fixed_size()) return place_in_fixed(photo, how.pad, *fixed, painter);
  // Networks that shrink and grow give other sizes back unless theirs is a multiple of some power of two.
  std::string tried;
  for (const int64_t more : {1, 2, 4, 8, 16, 32, 64}) {
    const int64_t multiple = how.multiple % more == 0 ? how.multiple : how.multiple * more;
    const PictureSize entering{rounded_up(photo.height + 2 * int64_t{how.pad}, multiple),
                               rounded_up(photo.width + 2 * int64_t{how.pad}, multiple)};
    const auto painting = painter.painting_size(entering);
    const auto scale = painting ? whole_scale(entering, *painting) : std::nullopt;
    if (scale) {
      Placement out = centred(photo, entering);
      out.scale = *scale;
      return out;
    }
    tried = painting ? format("the network turns {} into {}: no whole multiple", entering, *painting)
                     : format("{}: {}", entering, painting.error().text());
  }
  return Error::not_supported("the network takes no size near {}: {}", photo, tried);
}

Result<Image> paint_photo(const Image& photo, const Preprocess& how, Painter& painter,
                          const PaintOptions& options) {
  CHECK(!photo.empty());
  if (!(options.strength >= 0 && options.strength <= 1))
    return Error::invalid_argument("strength {}: it goes from 0 to 1", options.strength);
  const PictureSize own{photo.height(), photo.width()};
  TRY(const Placement at, place(own, how, painter));
  TRY(check_memory(at, painter));

  Image fitted;
  if (at.photo != own) {
    TRY(fitted, resize(photo, at.photo.width, at.photo.height));
  }
  Tensor painted;
  {
    TRY(const Tensor entering, to_tensor(fitted.empty() ? photo : fitted, how, at.entering.height,
                                         at.entering.width, at.top, at.left));
    TRY(painted, painter.paint(entering));
  }
  TRY(auto painting, from_tensor(painted, how.output, at.top * at.scale, at.left * at.scale,
                                 at.photo.height * at.scale, at.photo.width * at.scale));
  painted = Tensor();
  const PictureSize wanted{own.height * at.scale, own.width * at.scale};
  if (painting.width() != wanted.width || painting.height() != wanted.height) {
    TRY(painting, resize(painting, wanted.width, wanted.height));
  }
  if (at.scale == 1) {
    TRY(finish(painting, photo, options));
  } else {
    TRY(const Image large, resize(photo, wanted.width, wanted.height));
    TRY(finish(painting, large, options));
  }
  return painting;
}

}  // namespace pochade

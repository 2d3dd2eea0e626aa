#pragma once
// How a picture enters and leaves a network.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pochade {

enum class ChannelOrder { kRgb, kBgr };
std::string to_string(ChannelOrder order);
std::optional<ChannelOrder> channel_order(std::string_view name);

/// One end of a network.  value = v * multiply[colour] + add[colour], v: 0..255, colour: 0 red, 1 green, 2
/// blue. `channels` is the order in which the network has them; multiply and add go by colour, so that
/// changing the order does not move them.
struct PictureSide {
  ChannelOrder channels = ChannelOrder::kRgb;
  std::array<double, 3> multiply{1, 1, 1};
  std::array<double, 3> add{0, 0, 0};

  /// What the network is given for `v` of a colour.
  float value(size_t colour, double v) const {
    return static_cast<float>(v * multiply[colour] + add[colour]);
  }
  /// The 16-bit pixel of what the network gave for a colour; NaN is black.
  uint16_t pixel(size_t colour, float value) const {
    const double v = (double{value} - add[colour]) / multiply[colour];
    if (!(v > 0)) return 0;
    return v >= 255 ? 65535 : static_cast<uint16_t>(v * 257 + 0.5);
  }
  /// Colour of the network's channel.
  size_t colour_of(size_t channel) const { return channels == ChannelOrder::kRgb ? channel : 2 - channel; }
  /// Pixels enter as they are.
  bool is_raw() const;

  /// 0 becomes `low`, 255 becomes `high`.
  void set_range(double low, double high);
  bool operator==(const PictureSide&) const = default;
};
/// "RGB 0..1", "BGR, minus 103.9, 116.8, 123.7"
std::string to_string(const PictureSide& side);

/// How a picture is brought to the one size that a network has.
enum class Fit {
  kCrop,     ///< the middle: so much that the shorter side of the whole would be the network's / keep
  kStretch,  ///< both sides on their own
  kPad,      ///< longer side fits, then black around, the picture in the middle
};
std::string to_string(Fit fit);
std::optional<Fit> fit_named(std::string_view name);

struct Preprocess {
  PictureSide input;
  PictureSide output;
  int multiple = 1;      ///< height and width that enter must be multiples of this
  int pad = 0;           ///< pixels reflected around the photo and cut from the painting
  double noise_std = 0;  ///< Gaussian, added to the input after scaling, in its units
  uint64_t noise_seed = 0;
  std::optional<Fit> fit;                      ///< not said: as the task has it
  double keep = 0.875;                         ///< kCrop: part of the shorter side that is kept
  std::optional<std::array<int64_t, 2>> size;  ///< height, width; for networks that take many
  bool operator==(const Preprocess&) const = default;
};

/// raw: RGB 0..255. unit: RGB 0..1. signed: RGB -1..1. bgr_mean: BGR minus the ImageNet means 103.939,
/// 116.779, 123.68.
std::optional<Preprocess> preprocess_preset(std::string_view name);
constexpr std::string_view kPreprocessPresets = "raw, unit, signed, bgr_mean";

}  // namespace pochade

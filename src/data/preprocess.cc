#include "data/preprocess.h"

#include "base/format.h"

namespace pochade {

std::string to_string(ChannelOrder order) {
  return order == ChannelOrder::kRgb ? "RGB" : "BGR";
}

std::optional<ChannelOrder> channel_order(std::string_view name) {
  if (name == "rgb") return ChannelOrder::kRgb;
  if (name == "bgr") return ChannelOrder::kBgr;
  return std::nullopt;
}

std::string to_string(Fit fit) {
  switch (fit) {
    case Fit::kCrop:
      return "crop";
    case Fit::kStretch:
      return "stretch";
    case Fit::kPad:
      break;
  }
  return "pad";
}

std::optional<Fit> fit_named(std::string_view name) {
  for (const Fit fit : {Fit::kCrop, Fit::kStretch, Fit::kPad})
    if (name == to_string(fit)) return fit;
  return std::nullopt;
}

bool PictureSide::is_raw() const {
  return multiply == std::array<double, 3>{1, 1, 1} && add == std::array<double, 3>{0, 0, 0};
}

void PictureSide::set_range(double low, double high) {
  multiply.fill((high - low) / 255);
  add.fill(low);
}

std::string to_string(const PictureSide& side) {
  const auto end = [&](size_t colour, double v) { return v * side.multiply[colour] + side.add[colour]; };
  const bool equal = side.multiply[0] == side.multiply[1] && side.multiply[0] == side.multiply[2] &&
                     side.add[0] == side.add[1] && side.add[0] == side.add[2];
  std::string out = to_string(side.channels);
  if (equal) return out + format(" {}..{}", end(0, 0), end(0, 255));
  for (size_t i = 0; i < 3; ++i) {
    const size_t colour = side.channels == ChannelOrder::kRgb ? i : 2 - i;
    out += format("{} {}..{}", i == 0 ? "" : ",", static_cast<float>(end(colour, 0)),
                  static_cast<float>(end(colour, 255)));
  }
  return out;
}

std::optional<Preprocess> preprocess_preset(std::string_view name) {
  Preprocess out;
  if (name == "raw") return out;
  if (name == "unit")
    out.input.set_range(0, 1);
  else if (name == "signed")
    out.input.set_range(-1, 1);
  else if (name == "bgr_mean")
    out.input = {.channels = ChannelOrder::kBgr, .add = {-123.68, -116.779, -103.939}};
  else
    return std::nullopt;
  out.output = out.input;
  return out;
}

}  // namespace pochade

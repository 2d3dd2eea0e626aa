#include "media/color.h"

#include <lcms2.h>

#include <algorithm>
#include <array>
#include <new>
#include <vector>

namespace pochade {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

cmsColorSpaceSignature signature_of(ColorModel model) {
  switch (model) {
    case ColorModel::kRgb:
      return cmsSigRgbData;
    case ColorModel::kGrey:
      return cmsSigGrayData;
    case ColorModel::kCmyk:
      return cmsSigCmykData;
  }
  return cmsSigRgbData;
}

cmsUInt32Number format_of(ColorModel model, bool eight_bits) {
  switch (model) {
    case ColorModel::kRgb:
      return eight_bits ? TYPE_RGB_8 : TYPE_RGB_16;
    case ColorModel::kGrey:
      return eight_bits ? TYPE_GRAY_8 : TYPE_GRAY_16;
    case ColorModel::kCmyk:
      return TYPE_CMYK_8;
  }
  return TYPE_RGB_16;
}

}  // namespace

void ColorTransform::Delete::operator()(void* transform) const {
  cmsDeleteTransform(transform);
}

std::optional<ColorTransform> ColorTransform::from_profile(void* profile, ColorModel model,
                                                           bool eight_bit_source) {
  if (cmsGetColorSpace(profile) != signature_of(model)) return std::nullopt;
  const Profile srgb(cmsCreate_sRGBProfile());
  if (!srgb) return std::nullopt;
  ColorTransform out;
  out.model_ = model;
  out.eight_bit_source_ = eight_bit_source || model == ColorModel::kCmyk;
  out.transform_.reset(cmsCreateTransform(profile, format_of(model, out.eight_bit_source_), srgb.get(),
                                          TYPE_RGB_16, INTENT_PERCEPTUAL,
                                          cmsFLAGS_HIGHRESPRECALC | cmsFLAGS_NOCACHE));
  if (!out.transform_ || (model != ColorModel::kCmyk && out.changes_little())) return std::nullopt;
  return out;
}

std::optional<ColorTransform> ColorTransform::from_icc(std::span<const std::byte> profile, ColorModel model,
                                                       bool eight_bit_source) {
  constexpr size_t kHeaderBytes = 128, kLargestProfile = size_t{1} << 25;
  if (profile.size() < kHeaderBytes || profile.size() > kLargestProfile) return std::nullopt;
  const Profile opened(cmsOpenProfileFromMem(profile.data(), static_cast<cmsUInt32Number>(profile.size())));
  if (!opened) return std::nullopt;
  return from_profile(opened.get(), model, eight_bit_source);
}

std::optional<ColorTransform> ColorTransform::from_primaries(const Primaries& p, bool eight_bit_source) {
  const bool sane = p.white_y > 0.01 && p.red_y > 0 && p.green_y > 0 && p.blue_y > 0 &&
                    (p.gamma == 0 || (p.gamma > 0.2 && p.gamma < 5));
  if (!sane) return std::nullopt;
  const cmsCIExyY white{p.white_x, p.white_y, 1};
  const cmsCIExyYTRIPLE colors{{p.red_x, p.red_y, 1}, {p.green_x, p.green_y, 1}, {p.blue_x, p.blue_y, 1}};
  const double srgb_curve[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};  // IEC 61966-2-1
  constexpr int kSrgbCurveType = 4;
  cmsToneCurve* curve = p.gamma == 0 ? cmsBuildParametricToneCurve(nullptr, kSrgbCurveType, srgb_curve)
                                     : cmsBuildGamma(nullptr, p.gamma);
  if (curve == nullptr) return std::nullopt;
  cmsToneCurve* curves[] = {curve, curve, curve};
  const Profile profile(cmsCreateRGBProfile(&white, &colors, curves));
  cmsFreeToneCurve(curve);
  if (!profile) return std::nullopt;
  return from_profile(profile.get(), ColorModel::kRgb, eight_bit_source);
}

bool ColorTransform::changes_little() const {
  constexpr std::array<uint8_t, 6> kLevels = {0, 32, 96, 160, 224, 255};
  const int step = model_ == ColorModel::kGrey ? static_cast<int>(kLevels.size()) : 1;
  for (size_t r = 0; r < kLevels.size(); ++r)
    for (size_t g = 0; g < kLevels.size(); g += step)
      for (size_t b = 0; b < kLevels.size(); b += step) {
        uint16_t pixel[3] = {from_8_bits(kLevels[r]), from_8_bits(kLevels[step == 1 ? g : r]),
                             from_8_bits(kLevels[step == 1 ? b : r])};
        const uint16_t before[3] = {pixel[0], pixel[1], pixel[2]};
        uint16_t scratch[3];
        convert(pixel, scratch, 1, 3);
        constexpr int kHalfAnEightBitStep = 128;
        for (int c = 0; c < 3; ++c)
          if (std::abs(int{pixel[c]} - int{before[c]}) > kHalfAnEightBitStep) return false;
      }
  return true;
}

// `scratch` has room for 3 * count values.
void ColorTransform::convert(uint16_t* pixels, uint16_t* scratch, int count, int channels) const {
  const int wanted = model_ == ColorModel::kGrey ? 1 : 3;
  const auto n = static_cast<size_t>(count);
  const auto stride = static_cast<size_t>(channels);
  auto* const narrow = reinterpret_cast<uint8_t*>(scratch);
  for (size_t i = 0; i < n; ++i)
    for (int c = 0; c < wanted; ++c) {
      const uint16_t value = pixels[i * stride + static_cast<size_t>(c)];
      const size_t at = i * static_cast<size_t>(wanted) + static_cast<size_t>(c);
      if (eight_bit_source_)
        narrow[at] = to_8_bits(value);
      else
        scratch[at] = value;
    }
  if (channels == 3) {
    cmsDoTransform(transform_.get(), narrow, pixels, static_cast<cmsUInt32Number>(count));
    return;
  }
  constexpr size_t kBlock = 256;
  uint16_t block[kBlock * 3];
  const size_t source_bytes = static_cast<size_t>(wanted) * (eight_bit_source_ ? 1 : 2);
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t size = std::min(kBlock, n - begin);
    cmsDoTransform(transform_.get(), narrow + begin * source_bytes, block,
                   static_cast<cmsUInt32Number>(size));
    for (size_t i = 0; i < size; ++i)
      for (size_t c = 0; c < 3; ++c) pixels[(begin + i) * stride + c] = block[i * 3 + c];
  }
}

Status ColorTransform::apply(Image& image) const {
  CHECK(model_ != ColorModel::kCmyk);
  const std::unique_ptr<uint16_t[]> scratch(new (std::nothrow)
                                                uint16_t[static_cast<size_t>(image.width()) * 3]);
  if (!scratch) return Error::out_of_memory("no memory for a row of {} pixels", image.width());
  for (int y = 0; y < image.height(); ++y)
    convert(image.row(y), scratch.get(), image.width(), image.channels());
  return {};
}

void ColorTransform::cmyk_row(const uint8_t* cmyk, uint16_t* rgb, int pixels) const {
  CHECK(model_ == ColorModel::kCmyk);
  cmsDoTransform(transform_.get(), cmyk, rgb, static_cast<cmsUInt32Number>(pixels));
}

}  // namespace pochade

#include "tasks/draw.h"

#include <algorithm>
#include <cmath>

#include "data/dataset.h"
#include "tasks/font.h"

namespace pochade {
namespace {

constexpr int kGlyphWidth = 5, kGlyphHeight = 7;

void set_pixel(Image& picture, int x, int y, const Colour& colour) {
  if (x < 0 || y < 0 || x >= picture.width() || y >= picture.height()) return;
  uint16_t* pixel = picture.pixel(x, y);
  for (size_t c = 0; c < 3; ++c) pixel[c] = from_8_bits(colour[c]);
  if (picture.has_alpha()) pixel[3] = 65535;
}

void fill_rectangle(Image& picture, int left, int top, int right, int bottom, const Colour& colour) {
  for (int y = std::max(top, 0); y < std::min(bottom, picture.height()); ++y)
    for (int x = std::max(left, 0); x < std::min(right, picture.width()); ++x)
      set_pixel(picture, x, y, colour);
}

constexpr double kFarAway = 1e6;

int to_pixel(double v) {
  return static_cast<int>(std::isnan(v) ? -kFarAway : std::clamp(std::round(v), -kFarAway, kFarAway));
}

/// Of lines: 2 pixels up to a side of 600.
int line_width(const Image& picture) {
  return std::max(2, std::max(picture.width(), picture.height()) / 300);
}
int letter_scale(const Image& picture) {
  return std::max(1, std::max(picture.width(), picture.height()) / 450);
}

std::string percent(double score) {
  return format("{}%", std::lround(100 * score));
}

}  // namespace

Colour colour_of_label(size_t label) {
  // Hues a golden angle apart: no two of the first dozens are near each other.
  const double hue = std::fmod(0.58 + 0.618034 * static_cast<double>(label), 1.0) * 6;
  Colour out{};
  for (size_t c = 0; c < 3; ++c) {
    const double distance =
        std::abs(std::fmod(hue - static_cast<double>(c) * 2 + 9, 6.0) - 3);  // 0: this colour's hue
    out[c] = static_cast<uint8_t>(std::lround(255 * std::clamp(2 - distance, 0.12, 1.0)));
  }
  return out;
}

void draw_frame(Image& picture, const Box& box, const Colour& colour, int thickness) {
  const int left = to_pixel(box.left), top = to_pixel(box.top), right = to_pixel(box.right),
            bottom = to_pixel(box.bottom);
  fill_rectangle(picture, left, top, right, std::min(top + thickness, bottom), colour);
  fill_rectangle(picture, left, std::max(bottom - thickness, top), right, bottom, colour);
  fill_rectangle(picture, left, top, std::min(left + thickness, right), bottom, colour);
  fill_rectangle(picture, std::max(right - thickness, left), top, right, bottom, colour);
}

void draw_dot(Image& picture, double x, double y, double radius, const Colour& colour) {
  const int reach = static_cast<int>(std::ceil(radius));
  const int cx = to_pixel(x), cy = to_pixel(y);
  for (int dy = -reach; dy <= reach; ++dy)
    for (int dx = -reach; dx <= reach; ++dx)
      if (dx * dx + dy * dy <= radius * radius) set_pixel(picture, cx + dx, cy + dy, colour);
}

void draw_line(Image& picture, double x0, double y0, double x1, double y1, const Colour& colour,
               double thickness) {
  if (std::isnan(x0 + y0 + x1 + y1)) return;
  // Only what can be seen is walked: both ends are near the picture.
  const double reach = 2.0 * (picture.width() + picture.height());
  const auto near = [reach](double v) { return std::clamp(v, -reach, reach); };
  x0 = near(x0), y0 = near(y0), x1 = near(x1), y1 = near(y1);
  const double length = std::max(std::abs(x1 - x0), std::abs(y1 - y0));
  const int steps = std::max(1, static_cast<int>(std::ceil(length)));
  for (int i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / steps;
    draw_dot(picture, x0 + t * (x1 - x0), y0 + t * (y1 - y0), thickness / 2, colour);
  }
}

std::array<int, 2> label_size(std::string_view text, int scale) {
  return {(static_cast<int>(std::min<size_t>(text.size(), 1000)) * (kGlyphWidth + 1) + 1) * scale,
          (kGlyphHeight + 2) * scale};
}

void draw_label(Image& picture, std::string_view text, double x, double y, const Colour& ground, int scale) {
  text = text.substr(0, 1000);
  const auto [width, height] = label_size(text, scale);
  const int left = std::clamp(to_pixel(x), 0, std::max(0, picture.width() - width));
  const int top = std::clamp(to_pixel(y), 0, std::max(0, picture.height() - height));
  fill_rectangle(picture, left, top, left + width, top + height, ground);
  const bool light = 0.299 * ground[0] + 0.587 * ground[1] + 0.114 * ground[2] > 140;
  const Colour ink = light ? Colour{0, 0, 0} : Colour{255, 255, 255};
  for (size_t i = 0; i < text.size(); ++i) {
    const auto& rows = glyph(text[i]);
    for (int row = 0; row < kGlyphHeight; ++row)
      for (int column = 0; column < kGlyphWidth; ++column) {
        if ((rows[static_cast<size_t>(row)] >> (kGlyphWidth - 1 - column) & 1) == 0) continue;
        const int px = left + (1 + static_cast<int>(i) * (kGlyphWidth + 1) + column) * scale,
                  py = top + (1 + row) * scale;
        fill_rectangle(picture, px, py, px + scale, py + scale, ink);
      }
  }
}

Status draw_mask(Image& picture, const Mask& mask, double strength) {
  if (mask.width != picture.width() || mask.height != picture.height())
    return Error::invalid_argument("a mask of {}x{} on a picture of {}x{}", mask.width, mask.height,
                                   picture.width(), picture.height());
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      const uint8_t label =
          mask.classes[static_cast<size_t>(y) * static_cast<size_t>(mask.width) + static_cast<size_t>(x)];
      if (label == 0) continue;
      const Colour colour = voc_colour(label);
      uint16_t* pixel = picture.pixel(x, y);
      for (size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<uint16_t>(pixel[c] * (1 - strength) + from_8_bits(colour[c]) * strength + 0.5);
    }
  return {};
}

std::string label_name(std::span<const std::string> labels, size_t label) {
  return label < labels.size() && !labels[label].empty() ? labels[label] : format("#{}", label);
}

void draw_detections(Image& picture, std::span<const Detection> detections,
                     std::span<const std::string> labels) {
  const int width = line_width(picture), scale = letter_scale(picture);
  // The best last, so that it is on top.
  for (size_t i = detections.size(); i-- > 0;) {
    const Detection& d = detections[i];
    const Colour colour = colour_of_label(d.label);
    draw_frame(picture, d.box, colour, width);
    for (const Keypoint& k : d.keypoints) draw_dot(picture, k.x, k.y, width, colour);
    // Letters shrink with the box; a face in a crowd has none, since they would cover its neighbours.
    const std::string text = label_name(labels, d.label) + " " + percent(d.score);
    const double room = 2 * (d.box.right - d.box.left);
    int letters = scale;
    while (letters > 1 && label_size(text, letters)[0] > room) --letters;
    if (label_size(text, letters)[0] > room) continue;
    const double above = d.box.top - label_size(text, letters)[1];
    draw_label(picture, text, d.box.left, above >= 0 ? above : d.box.top, colour, letters);
  }
}

void draw_pose(Image& picture, std::span<const Keypoint> pose, double threshold) {
  const int width = line_width(picture);
  if (pose.size() == coco_keypoints().size())
    for (const auto& [a, b] : coco_limbs())
      if (pose[a].score >= threshold && pose[b].score >= threshold)
        draw_line(picture, pose[a].x, pose[a].y, pose[b].x, pose[b].y, {255, 200, 0}, width);
  for (const Keypoint& k : pose)
    if (k.score >= threshold) draw_dot(picture, k.x, k.y, width * 1.5, {230, 30, 60});
}

void draw_lines(Image& picture, std::span<const std::string> lines) {
  const int scale = letter_scale(picture);
  double y = scale;
  for (const std::string& line : lines) {
    draw_label(picture, line, scale, y, {20, 20, 20}, scale);
    y += label_size(line, scale)[1];
  }
}

}  // namespace pochade

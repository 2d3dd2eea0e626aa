#pragma once
// Boxes, lines, masks and words on a picture.

#include <array>
#include <string_view>

#include "media/image.h"
#include "tasks/detect.h"

namespace pochade {

using Colour = std::array<uint8_t, 3>;

/// A colour for a label: neighbours differ clearly.
Colour colour_of_label(size_t label);

/// A frame `thickness` pixels wide, inside the box. Of all that is drawn what lies outside the picture is
/// left out, and nothing appears where a coordinate is no number.
void draw_frame(Image& picture, const Box& box, const Colour& colour, int thickness);
void draw_line(Image& picture, double x0, double y0, double x1, double y1, const Colour& colour,
               double thickness);
void draw_dot(Image& picture, double x, double y, double radius, const Colour& colour);

/// Words on a ground of this colour, black or white as can be read on it. Letters are 5x7 dots of `scale`
/// pixels; the top left corner is at (x, y), moved so that the whole stays inside if it can. What is not
/// printable ASCII becomes '?'.
void draw_label(Image& picture, std::string_view text, double x, double y, const Colour& ground, int scale);
/// Width and height in pixels that draw_label covers.
std::array<int, 2> label_size(std::string_view text, int scale);

/// Lays each class' colour (PASCAL VOC's) over its pixels, `strength` 0..1; class 0 stays. Error: another
/// size.
Status draw_mask(Image& picture, const Mask& mask, double strength);

// What a task's results look like. Lines and letters grow with the picture.
void draw_detections(Image& picture, std::span<const Detection> detections,
                     std::span<const std::string> labels);
/// Points of at least `threshold`, with COCO's limbs between them if there are 17.
void draw_pose(Image& picture, std::span<const Keypoint> pose, double threshold);
/// The best classes in the top left corner, one a line.
void draw_lines(Image& picture, std::span<const std::string> lines);

/// The label's name, or "#3" where there is none.
std::string label_name(std::span<const std::string> labels, size_t label);

}  // namespace pochade

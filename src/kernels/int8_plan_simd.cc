#include "kernels/int8.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr size_t kStripBytes = 96 << 10;
constexpr size_t kRingBytes = 256 << 10;
constexpr size_t kGroupPixels = 192;  // weights that come from far are used for so many pixels
constexpr size_t kMostTasks = 64;
constexpr double kLeastTaskCycles = 10000;  // ten times what handing out a task takes
constexpr size_t kFinishCycles = 10;        // of a vector of results

bool is_flat(const ConvShape& s) {
  return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 &&
         s.pad_left == 0 && s.out_height == s.height && s.out_width == s.width &&
         s.x_row == s.width * s.x_pixel && s.y_row == s.width * s.y_pixel;
}

/// Whether a window of outputs [0, out) leaves [0, size).
bool leaves(size_t out, size_t stride, size_t reach, ptrdiff_t pad, size_t size) {
  const ptrdiff_t last = static_cast<ptrdiff_t>((out - 1) * stride + reach) - pad;
  return pad > 0 || last >= static_cast<ptrdiff_t>(size);
}

void fill_strides(ConvShape* s) {
  if (s->x_pixel == 0) s->x_pixel = s->in_channels;
  if (s->x_row == 0) s->x_row = s->width * s->x_pixel;
  if (s->x_image == 0) s->x_image = s->height * s->x_row;
  if (s->y_pixel == 0) s->y_pixel = s->out_channels;
  if (s->y_row == 0) s->y_row = s->out_width * s->y_pixel;
  if (s->y_image == 0) s->y_image = s->out_height * s->y_row;
}

void choose_memory(Int8ConvPlan* p) {
  const ConvShape& s = p->shape;
  p->copies =
      kElementBytes == 2 || s.pad_top < 0 ||                                                    // by ISA
      leaves(s.out_width, s.stride_w, (s.kernel_w - 1) * s.dilation_w, s.pad_left, s.width) ||  // by ISA
      leaves(s.out_height, s.stride_h, (s.kernel_h - 1) * s.dilation_h, s.pad_top, s.height);   // by ISA
  for (int i = 0; i < 2; ++i) {
    p->by_tap = s.kernel_w > 1 && (s.dilation_w > 1 || (!p->copies && s.x_pixel != p->group_in));  // by ISA
    p->segment = p->by_tap ? p->group_in : s.kernel_w * p->group_in;
    // A partial group is read whole, which is allowed in scratch only.
    p->copies = p->copies || p->segment % kGroupValues != 0;  // by ISA
  }
  p->segments = s.kernel_h * (p->by_tap ? s.kernel_w : 1);
  p->k_bytes = p->segments * ceil_div(p->segment, kGroupValues) * kGroupBytes;
}

void choose_tasks(Int8ConvPlan* p) {
  const ConvShape& s = p->shape;
  const size_t k = p->segments * p->segment;
  const size_t vectors = s.batch * s.out_height * s.out_width * s.groups * p->vectors;
  const double cycles =
      static_cast<double>(vectors) * static_cast<double>(ceil_div(k, kGroupValues) + kFinishCycles);
  const double tasks = cycles / kLeastTaskCycles;
  size_t wanted_all = tasks < 1 ? 1 : tasks > kMostTasks ? kMostTasks : static_cast<size_t>(tasks);
  if (wanted_all > 2) wanted_all = round_up(wanted_all, 4);  // divides well among 2 and 4 threads
  const size_t wanted = max_size(1, wanted_all / (p->images * s.groups));
  const size_t most_blocks = ceil_div(p->vectors, kMaxTileVectors);
  const bool weights_first = k * p->group_out > s.height * s.width * p->group_in;
  size_t blocks = weights_first ? min_size(most_blocks, wanted) : 1;
  size_t strip_tasks = ceil_div(wanted, blocks);

  if (p->flat) {
    const size_t pixels = s.out_height * s.out_width * (p->images == 1 ? s.batch : 1);
    const size_t unit = int8_tile_rows(2);
    size_t width = unit * max_size(1, min_size(16, kStripBytes / (kElementBytes * k * unit + 1)));
    width = min_size(width, round_up(ceil_div(pixels, strip_tasks), unit));
    p->strips = ceil_div(pixels, width);
    p->strip_width = ceil_div(pixels, p->strips);
    p->strips = ceil_div(pixels, p->strip_width);
    p->last_strip_width = pixels - (p->strips - 1) * p->strip_width;
  } else {
    p->strips = s.out_height;
    p->strip_width = p->last_strip_width = s.out_width;
  }
  strip_tasks = min_size(strip_tasks, p->strips);
  if (!weights_first) blocks = min_size(most_blocks, ceil_div(wanted, strip_tasks));
  p->strips_per_task = ceil_div(p->strips, strip_tasks);
  p->strip_tasks = ceil_div(p->strips, p->strips_per_task);
  p->vectors_per_block = ceil_div(p->vectors, blocks);
  p->n_blocks = ceil_div(p->vectors, p->vectors_per_block);
  p->copied_width =
      p->flat ? p->strip_width : (s.out_width - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;
  // The last group of a row may reach beyond it.
  p->row_bytes = round_up(p->copied_width * p->group_in * kElementBytes + kGroupBytes, 64);

  const auto ring_rows = [&](size_t group) {
    return (group - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
  };
  p->strip_group = 1;
  while (p->strip_group < p->strips_per_task && p->strip_group * p->strip_width < kGroupPixels &&
         ring_rows(p->strip_group + 1) * p->row_bytes <= kRingBytes)
    ++p->strip_group;
  p->ring_rows = ring_rows(p->strip_group);
}

void choose_tiles(Int8ConvPlan* p) {
  const size_t counts[2] = {p->vectors_per_block, p->vectors - (p->n_blocks - 1) * p->vectors_per_block};
  for (int i = 0; i < 2; ++i) {
    const Tiling tiling = int8_tiling(p->strip_width, counts[i]);
    p->tiling[i][0] = tiling.wide;
    p->tiling[i][1] = tiling.count;
    p->tiling[i][2] = tiling.narrow;
  }
}

const char* describe(const Int8ConvPlan& p) {
  if (p.flat) return p.copies ? "matrix product over copied pixels" : "matrix product over pixels";  // by ISA
  if (!p.copies) return "implicit matrix product, read in place";                                    // by ISA
  return p.by_tap ? "implicit matrix product over copied rows, tap by tap"
                  : "implicit matrix product over copied rows";
}

}  // namespace

void int8_conv_plan(const ConvShape& shape, const Int8Numbers& numbers, Int8ConvPlan* p) {
  p->shape = shape;
  p->numbers = numbers;
  ConvShape& s = p->shape;
  fill_strides(&s);
  p->group_in = s.in_channels / s.groups;
  p->group_out = s.out_channels / s.groups;
  p->vectors = ceil_div(p->group_out, kLanes);
  p->algorithm = "nothing to do";
  p->tasks = p->scratch_bytes = p->packed_bytes = 0;
  if (s.batch == 0 || s.out_height == 0 || s.out_width == 0 || s.out_channels == 0) return;

  p->flat = is_flat(s);
  const bool joined = s.x_image == s.height * s.x_row && s.y_image == s.out_height * s.y_row;
  p->images = p->flat && (joined || s.batch == 1) ? 1 : s.batch;
  choose_memory(p);
  choose_tasks(p);
  choose_tiles(p);
  p->group_packed_bytes =
      round_up(p->vectors * kLanes * (Columns::kArrays * sizeof(int32_t) + p->k_bytes), alignof(Int8Header));
  p->packed_bytes = sizeof(Int8Header) + p->group_packed_bytes * s.groups;
  p->algorithm = describe(*p);
  p->tasks = p->images * s.groups * p->strip_tasks * p->n_blocks;
  p->scratch_bytes = int8_scratch(*p).bytes;
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

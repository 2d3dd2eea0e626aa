#include "kernels/conv.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

// What a chunk of weights that stays in a near cache may take, while the strips of a group pass by. A tile of
// AVX-512 computes long enough on each vector of weights that they may come from the second level.
#if defined(POCHADE_KERNEL_ISA_avx512)
constexpr size_t kWeightChunkBytes = 192 << 10;
#else
constexpr size_t kWeightChunkBytes = 24 << 10;
#endif
constexpr size_t kStripBytes = 192 << 10;
constexpr size_t kRingBytes = 384 << 10;
constexpr size_t kGroupPixels = 192;  // weights that come from far are used for so many pixels
constexpr size_t kMostTasks = 64;
constexpr size_t kLeastTaskMacs = 1 << 19;
constexpr double kFewTasks = 4;  // so many may be shorter: small layers are divided, too
constexpr size_t kLeastMacsOfFew = 1 << 17;

bool is_flat(const ConvShape& s) {
  return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 &&
         s.pad_left == 0 && s.upsample == 1 && !s.transforms_input && s.out_height == s.height &&
         s.out_width == s.width && s.x_row == s.width * s.x_pixel && s.y_row == s.width * s.y_pixel;
}

// A stride of 4096 bytes between rows of a tile puts all of them into one set of the first cache.
bool collides(size_t stride_floats) {
  return stride_floats * sizeof(float) % 4096 == 0;
}

bool needs_columns_beyond(const ConvShape& s) {
  const ptrdiff_t last =
      static_cast<ptrdiff_t>((s.out_width - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w) - s.pad_left;
  return s.pad_left > 0 || last >= static_cast<ptrdiff_t>(s.width * s.upsample);
}

void fill_strides(ConvShape* s) {
  if (s->x_pixel == 0) s->x_pixel = s->in_channels;
  if (s->x_row == 0) s->x_row = s->width * s->x_pixel;
  if (s->x_image == 0) s->x_image = s->height * s->x_row;
  if (s->y_pixel == 0) s->y_pixel = s->out_channels;
  if (s->y_row == 0) s->y_row = s->out_width * s->y_pixel;
  if (s->y_image == 0) s->y_image = s->out_height * s->y_row;
}

void choose_memory(ConvPlan* p) {
  const ConvShape& s = p->shape;
  p->copies = p->k > 0 && (s.upsample > 1 || s.transforms_input || needs_columns_beyond(s) ||
                           (collides(s.stride_w * s.x_pixel) && p->group_out >= 2 * kLanes));
  p->copied_pixel = p->group_in;
  if (p->copies && collides(s.stride_w * p->copied_pixel)) p->copied_pixel += 16;
  const size_t pixel = p->copies ? p->copied_pixel : s.x_pixel;
  p->by_tap = s.kernel_w > 1 && (s.dilation_w > 1 || pixel != p->group_in);
  p->segments_per_strip = s.kernel_h * (p->by_tap ? s.kernel_w : 1);
}

bool prefers_dot(const ConvShape& s, size_t group_in, size_t group_out) {
  if (group_out > kMaxDotColumns || group_out >= kLanes) return false;
  const bool taps = s.dilation_w > 1;
  const double cost =
      dot_cost(group_out, s.kernel_h * (taps ? s.kernel_w : 1), group_in * (taps ? 1 : s.kernel_w));
  return cost < 1.1 * static_cast<double>(s.kernel_h * s.kernel_w * group_in);
}

size_t wanted_tasks(const ConvPlan& p) {
  const ConvShape& s = p.shape;
  const double macs =
      static_cast<double>(s.batch * s.out_height * s.out_width) * static_cast<double>(p.k * s.out_channels);
  const double few = macs / kLeastMacsOfFew, many = macs / kLeastTaskMacs;
  const double tasks = many > kFewTasks ? many : few < kFewTasks ? few : kFewTasks;
  return tasks < 1 ? 1 : tasks > kMostTasks ? kMostTasks : static_cast<size_t>(tasks);
}

void choose_tasks(ConvPlan* p) {
  const ConvShape& s = p->shape;
  const size_t vectors = ceil_div(p->group_out, kLanes);
  const size_t wanted = max_size(1, wanted_tasks(*p) / (p->images * s.groups));
  const size_t most_blocks = p->dot ? 1 : ceil_div(vectors, kMaxTileVectors);
  const bool weights_first = p->k * p->group_out > s.height * s.width * p->group_in;
  size_t blocks = weights_first ? min_size(most_blocks, wanted) : 1;
  size_t strip_tasks = ceil_div(wanted, blocks);

  if (p->flat) {
    const size_t pixels = s.out_height * s.out_width * (p->images == 1 ? s.batch : 1);
    const size_t unit = tile_rows(2);
    size_t width = unit * max_size(1, min_size(12, kStripBytes / (sizeof(float) * p->k * unit + 1)));
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
  p->vectors_per_block = ceil_div(vectors, blocks);
  p->n_blocks = ceil_div(vectors, p->vectors_per_block);
  p->copied_width =
      p->flat ? p->strip_width : (s.out_width - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;

  const auto ring_rows = [&](size_t group) {
    return (group - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
  };
  const size_t row_bytes = p->copied_width * p->copied_pixel * sizeof(float);
  p->strip_group = 1;
  while (p->strip_group < p->strips_per_task && p->strip_group * p->strip_width < kGroupPixels &&
         ring_rows(p->strip_group + 1) * row_bytes <= kRingBytes)
    ++p->strip_group;
  p->ring_rows = ring_rows(p->strip_group);
}

void choose_tiles(ConvPlan* p) {
  const size_t vectors = ceil_div(p->group_out, kLanes);
  const size_t last = vectors - (p->n_blocks - 1) * p->vectors_per_block;
  const size_t counts[2] = {p->vectors_per_block, last};
  for (int i = 0; i < 2; ++i) {
    const Tiling tiling = choose_tiling(p->strip_width, counts[i]);
    p->tiling[i][0] = tiling.wide;
    p->tiling[i][1] = tiling.count;
    p->tiling[i][2] = tiling.narrow;
  }
  const size_t wide = p->tiling[0][1] > 0 ? p->tiling[0][0] : p->tiling[0][2];
  const size_t most = max_size(64, kWeightChunkBytes / (wide * kLanes * sizeof(float)));
  p->k_block = round_up(max_size(1, ceil_div(p->k, max_size(1, ceil_div(p->k, most)))), 4);
}

const char* describe(const ConvPlan& p) {
  if (p.dot) return p.copies ? "dot products over rows copied with their padding" : "dot products";
  if (p.flat) return p.copies ? "matrix product over copied pixels" : "matrix product over pixels";
  if (!p.copies) return "implicit matrix product, read in place";
  return p.by_tap ? "implicit matrix product over copied rows, tap by tap"
                  : "implicit matrix product over copied rows";
}

}  // namespace

void conv_plan(const ConvShape& shape, ConvPlan* p) {
  p->shape = shape;
  ConvShape& s = p->shape;
  fill_strides(&s);
  p->group_in = s.in_channels / s.groups;
  p->group_out = s.out_channels / s.groups;
  p->k = s.kernel_h * s.kernel_w * p->group_in;
  p->dot = prefers_dot(s, p->group_in, p->group_out);
  p->group_packed_floats = p->dot ? p->group_out * p->k : round_up(p->group_out, kLanes) * p->k;
  p->packed_floats = p->group_packed_floats * s.groups;
  p->algorithm = "nothing to do";
  p->tasks = p->scratch_bytes = 0;
  if (s.batch == 0 || s.out_height == 0 || s.out_width == 0 || s.out_channels == 0) return;

  p->flat = is_flat(s);
  const bool joined = s.x_image == s.height * s.x_row && s.y_image == s.out_height * s.y_row;
  p->images = p->flat && (joined || s.batch == 1) ? 1 : s.batch;
  choose_memory(p);
  choose_tasks(p);
  choose_tiles(p);
  p->algorithm = describe(*p);
  p->tasks = p->images * s.groups * p->strip_tasks * p->n_blocks;
  p->scratch_bytes = conv_scratch(*p).bytes;
}

void gemm_plan(const GemmShape& shape, GemmPlan* plan) {
  // Field by field: a constructor that is compiled here could be the one that the linker keeps.
  ConvShape& s = plan->conv.shape;
  s.batch = s.height = s.out_height = 1;
  s.width = s.out_width = shape.m;
  s.in_channels = shape.k;
  s.out_channels = shape.n;
  s.kernel_h = s.kernel_w = s.stride_h = s.stride_w = s.dilation_h = s.dilation_w = s.groups = s.upsample = 1;
  s.pad_top = s.pad_left = 0;
  s.pad_mode = PadMode::kZero;
  s.transforms_input = false;
  s.x_pixel = shape.lda;
  s.y_pixel = shape.ldc;
  s.x_row = s.x_image = shape.m * shape.lda;
  s.y_row = s.y_image = shape.m * shape.ldc;
  conv_plan(s, &plan->conv);
  plan->shape = shape;
  plan->packed_floats = plan->conv.packed_floats;
  plan->scratch_bytes = plan->conv.scratch_bytes;
  plan->tasks = plan->conv.tasks;
  plan->algorithm = plan->conv.dot      ? "dot products"
                    : plan->conv.copies ? "matrix product over copied rows"
                                        : "matrix product";
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

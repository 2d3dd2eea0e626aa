// Convolution as an implicit matrix product: a row of A is one output pixel's window, which in NHWC is
// kernel_h runs of kernel_w * channels floats that lie in the (padded) input rows themselves. Only the rows
// that a task is working on are ever copied, into a ring, and only if they need padding or another transform.

#include "kernels/conv.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

class Task {
 public:
  Task(const ConvPlan& plan, const ConvArgs& args, size_t task, void* scratch)
      : p_(plan),
        s_(plan.shape),
        args_(args),
        layout_(conv_scratch(plan)),
        scratch_(static_cast<char*>(scratch)) {
    block_ = task % p_.n_blocks;
    task /= p_.n_blocks;
    const size_t strips = task % p_.strip_tasks;
    task /= p_.strip_tasks;
    group_ = task % s_.groups;
    image_ = task / s_.groups;
    begin_ = strips * p_.strips_per_task;
    end_ = min_size(p_.strips, begin_ + p_.strips_per_task);
    packed_ = args_.packed + group_ * p_.group_packed_floats;
    bias_ = args_.bias == nullptr ? nullptr : args_.bias + group_ * p_.group_out;
    lda_ = s_.stride_w * (p_.copies ? p_.copied_pixel : s_.x_pixel);
  }

  void run() {
    for (size_t strip = begin_; strip < end_; strip += p_.strip_group) {
      const size_t count = min_size(p_.strip_group, end_ - strip);
      if (p_.copies) copy_rows(strip, count);
      if (p_.dot)
        for (size_t i = 0; i < count; ++i) run_dots(describe(strip + i, i));
      else
        run_columns(strip, count);
    }
  }

 private:
  ptrdiff_t first_row(size_t strip) const {
    return static_cast<ptrdiff_t>(strip * s_.stride_h) - (p_.flat ? 0 : s_.pad_top);
  }
  ptrdiff_t virtual_height() const {
    return static_cast<ptrdiff_t>(p_.flat ? p_.strips : s_.height * s_.upsample);
  }
  bool skips(ptrdiff_t row) const {
    return s_.pad_mode == PadMode::kZero && (row < 0 || row >= virtual_height());
  }

  float* ring_row(ptrdiff_t row) const {
    // The row before first_row(0) of the largest padding still gets a slot of its own: slots count from
    // there.
    const size_t slot = static_cast<size_t>(row - first_row(0)) % p_.ring_rows;
    return reinterpret_cast<float*>(scratch_ + layout_.ring) + slot * p_.copied_width * p_.copied_pixel;
  }

  void copy_rows(size_t strip, size_t count) {
    const ptrdiff_t reach = static_cast<ptrdiff_t>((s_.kernel_h - 1) * s_.dilation_h) + 1;
    const ptrdiff_t need_end = first_row(strip + count - 1) + reach;
    ptrdiff_t row = first_row(strip);
    if (strip > begin_ && copied_end_ > row) row = copied_end_;
    for (; row < need_end; ++row)
      if (!skips(row)) copy_input_row(p_, args_, image_, group_, row, ring_row(row));
    copied_end_ = need_end;
  }

  const float* input_row(ptrdiff_t row) const {
    if (p_.copies) return ring_row(row);
    const float* x = args_.x + image_ * s_.x_image + group_ * p_.group_in;
    if (p_.flat) return x + static_cast<size_t>(row) * p_.strip_width * s_.x_pixel;
    const ptrdiff_t source = padded_index(s_.pad_mode, row, virtual_height());
    return x + static_cast<size_t>(source) * s_.x_row + static_cast<size_t>(-s_.pad_left) * s_.x_pixel;
  }

  Strip describe(size_t strip, size_t slot) const {
    Strip out;
    out.segments = reinterpret_cast<Segment*>(scratch_ + layout_.segments) + slot * p_.segments_per_strip;
    out.count = 0;
    out.k_begin = out.k_end = 0;
    const size_t k_row = s_.kernel_w * p_.group_in;
    const size_t pixel = p_.copies ? p_.copied_pixel : s_.x_pixel;
    for (size_t r = 0; r < s_.kernel_h; ++r) {
      const ptrdiff_t row = first_row(strip) + static_cast<ptrdiff_t>(r * s_.dilation_h);
      if (skips(row) || p_.k == 0) continue;
      if (out.count == 0) out.k_begin = r * k_row;
      out.k_end = (r + 1) * k_row;
      const float* a = input_row(row);
      if (p_.by_tap) {
        for (size_t tap = 0; tap < s_.kernel_w; ++tap)
          add(&out, a + tap * s_.dilation_w * pixel, p_.group_in);
      } else {
        add(&out, a, k_row);
      }
    }
    out.width = strip + 1 == p_.strips ? p_.last_strip_width : p_.strip_width;
    const size_t at = image_ * s_.y_image +
                      (p_.flat ? strip * p_.strip_width * s_.y_pixel : strip * s_.y_row) +
                      group_ * p_.group_out;
    out.y = args_.y + at;
    out.residual = args_.residual == nullptr ? nullptr : args_.residual + at;
    return out;
  }
  static void add(Strip* strip, const float* a, size_t length) {
    strip->segments[strip->count].a = a;
    strip->segments[strip->count].length = length;
    ++strip->count;
  }

  void run_dots(const Strip& strip) const {
    DotArgs t;
    t.segments = strip.segments;
    t.segment_count = strip.count;
    t.lda = lda_;
    t.a_offset = 0;
    t.b = packed_ + strip.k_begin;
    t.b_column = p_.k;
    t.c = strip.y;
    t.ldc = s_.y_pixel;
    t.bias = bias_;
    t.residual = strip.residual;
    t.activation = &args_.activation;
    run_dot_strip(t, strip.width, p_.group_out);
  }

  /// The part of the strip's segments within [k_begin, k_end) of K, into scratch. Returns their number.
  size_t cut(const Strip& strip, size_t k_begin, size_t k_end, Segment* out) const {
    size_t count = 0;
    size_t k = strip.k_begin;
    for (size_t i = 0; i < strip.count; ++i) {
      const Segment& segment = strip.segments[i];
      const size_t from = max_size(k, k_begin), to = min_size(k + segment.length, k_end);
      if (from < to) {
        out[count].a = segment.a + (from - k);
        out[count].length = to - from;
        ++count;
      }
      k += segment.length;
    }
    return count;
  }

  void run_columns(size_t strip, size_t count) const {
    const size_t vectors = ceil_div(p_.group_out, kLanes);
    const size_t begin = block_ * p_.vectors_per_block;
    const size_t end = min_size(vectors, begin + p_.vectors_per_block);
    const uint32_t* tiling = p_.tiling[block_ + 1 == p_.n_blocks];
    Strip* strips = reinterpret_cast<Strip*>(scratch_ + layout_.strips);
    for (size_t i = 0; i < count; ++i) strips[i] = describe(strip + i, i);
    for (size_t k = 0; k == 0 || k < p_.k; k += p_.k_block) {
      const size_t k_end = min_size(p_.k, k + p_.k_block);
      size_t tiles = 0;
      for (size_t v = begin; v < end; ++tiles) {
        const size_t wanted = tiles < tiling[1] ? tiling[0] : tiling[2];
        const size_t width = min_size(wanted, end - v);
        for (size_t i = 0; i < count; ++i) run_block(strips[i], k, k_end, v, width, vectors);
        v += width;
      }
    }
  }
  void run_block(const Strip& strip, size_t k, size_t k_end, size_t v, size_t width, size_t vectors) const {
    // Blocks of k that hold nothing but padding add nothing; the first and the last one that hold something
    // start and end the sum.
    const bool empty = strip.k_begin == strip.k_end;
    const size_t from = max_size(k, strip.k_begin);
    if (empty ? k > 0 : from >= min_size(k_end, strip.k_end)) return;
    Segment* segments = reinterpret_cast<Segment*>(scratch_ + layout_.cut);
    TileArgs t;
    t.segments = segments;
    t.segment_count = cut(strip, k, k_end, segments);
    t.lda = lda_;
    t.a_offset = 0;
    t.panel = p_.k * kLanes;
    t.b = packed_ + v * t.panel + (empty ? 0 : from) * kLanes;
    t.c = strip.y + v * kLanes;
    t.ldc = s_.y_pixel;
    t.bias = bias_ == nullptr ? nullptr : bias_ + v * kLanes;
    t.residual = strip.residual == nullptr ? nullptr : strip.residual + v * kLanes;
    t.last_lanes = v + width == vectors ? p_.group_out - (vectors - 1) * kLanes : kLanes;
    t.first = empty || k <= strip.k_begin;
    t.last = empty || k_end >= strip.k_end;
    t.activation = &args_.activation;
    run_strip(t, strip.width, width);
  }

  const ConvPlan& p_;
  const ConvShape& s_;
  const ConvArgs& args_;
  const ConvScratch layout_;
  char* scratch_;
  size_t block_, group_, image_, begin_, end_, lda_;
  const float* packed_;
  const float* bias_;
  ptrdiff_t copied_end_ = 0;
};

}  // namespace

void conv(const ConvPlan& plan, const ConvArgs& args, Range tasks, void* scratch) {
  for (size_t task = tasks.begin; task < tasks.end; ++task) Task(plan, args, task, scratch).run();
}

void gemm(const GemmPlan& plan, const GemmArgs& args, Range tasks, void* scratch) {
  const ConvArgs conv_args = {
      args.a, args.packed, args.bias, args.residual, args.c, args.activation, nullptr, nullptr, 0, {}};
  conv(plan.conv, conv_args, tasks, scratch);
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

// 8-bit convolution as an implicit matrix product, as conv_simd.cc does it for floats: a row of A is one
// output pixel's window, kernel_h runs of kernel_w * channels values that lie in the input rows themselves.
// Rows are copied, a few at a time, if they need padding, if a run is no whole number of groups, or if the
// instruction set multiplies 16-bit values.

#include "kernels/int8.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

class Task {
 public:
  Task(const Int8ConvPlan& plan, const Int8Args& args, size_t task, void* scratch)
      : p_(plan),
        s_(plan.shape),
        args_(args),
        layout_(int8_scratch(plan)),
        scratch_(static_cast<char*>(scratch)) {
    __builtin_memcpy(&header_, args.packed, sizeof(header_));
    block_ = task % p_.n_blocks;
    task /= p_.n_blocks;
    const size_t strips = task % p_.strip_tasks;
    task /= p_.strip_tasks;
    group_ = task % s_.groups;
    image_ = task / s_.groups;
    begin_ = strips * p_.strips_per_task;
    end_ = min_size(p_.strips, begin_ + p_.strips_per_task);
    packed_ = char_at(args.packed, sizeof(Int8Header) + group_ * p_.group_packed_bytes);
  }

  void run() {
    if (p_.copies && !p_.flat) pad(padding_row(), p_.copied_width * p_.group_in);
    for (size_t strip = begin_; strip < end_; strip += p_.strip_group) {
      const size_t count = min_size(p_.strip_group, end_ - strip);
      if (p_.copies) copy_rows(strip, count);
      run_columns(strip, count);
    }
  }

 private:
  char* padding_row() const { return scratch_ + layout_.ring + p_.ring_rows * p_.row_bytes; }
  char* ring_row(ptrdiff_t row) const {
    const size_t slot = static_cast<size_t>(row - first_row(0)) % p_.ring_rows;
    return scratch_ + layout_.ring + slot * p_.row_bytes;
  }
  ptrdiff_t first_row(size_t strip) const {
    return static_cast<ptrdiff_t>(strip * s_.stride_h) - (p_.flat ? 0 : s_.pad_top);
  }
  bool outside(ptrdiff_t row) const {
    return row < 0 || row >= static_cast<ptrdiff_t>(p_.flat ? p_.strips : s_.height);
  }

  void pad(char* to, size_t n) const {
    const int fill =
        kElementBytes == 2 ? 0 : static_cast<uint8_t>(p_.numbers.x_zero);  // not reached: constant
    __builtin_memset(to, fill, n * kElementBytes);
  }
  /// n values in a row.
  void copy_values(const char* from, char* to, size_t n) const {
    if (kElementBytes == 1) {  // by ISA
      __builtin_memcpy(to, from, n);
      return;
    }
    int16_t* wide = reinterpret_cast<int16_t*>(to);  // by ISA
    const int32_t zero = p_.numbers.x_zero;
    if (p_.numbers.x_signed) {  // by ISA
      const int8_t* x = reinterpret_cast<const int8_t*>(from);
      for (size_t i = 0; i < n; ++i) wide[i] = static_cast<int16_t>(x[i] - zero);  // by ISA
    } else {                                                                       // by ISA
      const uint8_t* x = reinterpret_cast<const uint8_t*>(from);
      for (size_t i = 0; i < n; ++i) wide[i] = static_cast<int16_t>(x[i] - zero);  // by ISA
    }
  }
  void copy_pixels(const char* from, char* to, size_t n) const {
    if (s_.x_pixel == p_.group_in) return copy_values(from, to, n * p_.group_in);
    for (size_t i = 0; i < n; ++i)
      copy_values(from + i * s_.x_pixel, to + i * p_.group_in * kElementBytes, p_.group_in);
  }
  void copy_row(ptrdiff_t row, char* to) const {
    const char* x = char_at(args_.x, image_ * s_.x_image + group_ * p_.group_in);
    if (p_.flat) {
      const size_t strip = static_cast<size_t>(row);
      const size_t n = strip + 1 == p_.strips ? p_.last_strip_width : p_.strip_width;
      return copy_pixels(x + strip * p_.strip_width * s_.x_pixel, to, n);
    }
    // Columns before, within and after the picture.
    const size_t columns = p_.copied_width, bytes = p_.group_in * kElementBytes;
    const ptrdiff_t inside_end = static_cast<ptrdiff_t>(s_.width) + s_.pad_left;
    const size_t before = s_.pad_left <= 0 ? 0 : min_size(columns, static_cast<size_t>(s_.pad_left));
    const size_t end = inside_end <= static_cast<ptrdiff_t>(before)
                           ? before  // not reached: no picture without columns
                           : min_size(columns, static_cast<size_t>(inside_end));
    pad(to, before * p_.group_in);
    pad(to + end * bytes, (columns - end) * p_.group_in);
    if (end == before) return;
    const ptrdiff_t first = static_cast<ptrdiff_t>(before) - s_.pad_left;
    copy_pixels(x + static_cast<size_t>(row) * s_.x_row + static_cast<size_t>(first) * s_.x_pixel,
                to + before * bytes, end - before);
  }
  void copy_rows(size_t strip, size_t count) {
    const ptrdiff_t reach = static_cast<ptrdiff_t>((s_.kernel_h - 1) * s_.dilation_h) + 1;
    const ptrdiff_t need_end = first_row(strip + count - 1) + reach;
    ptrdiff_t row = first_row(strip);
    if (strip > begin_ && copied_end_ > row) row = copied_end_;
    for (; row < need_end; ++row)
      if (!outside(row)) copy_row(row, ring_row(row));
    copied_end_ = need_end;
  }

  const char* input_row(ptrdiff_t row) const {
    if (p_.copies) return outside(row) ? padding_row() : ring_row(row);
    const char* x = char_at(args_.x, image_ * s_.x_image + group_ * p_.group_in);    // by ISA
    if (p_.flat) return x + static_cast<size_t>(row) * p_.strip_width * s_.x_pixel;  // by ISA
    x += static_cast<size_t>(-s_.pad_left) * s_.x_pixel;                             // by ISA
    return x + static_cast<size_t>(row) * s_.x_row;                                  // by ISA
  }
  size_t pixel_bytes() const { return p_.copies ? p_.group_in * kElementBytes : s_.x_pixel; }  // by ISA

  const char** segments_of(size_t slot) const {
    return reinterpret_cast<const char**>(scratch_ + layout_.segments) + slot * p_.segments;
  }
  void describe(size_t strip, size_t slot) const {
    const char** to = segments_of(slot);
    for (size_t r = 0; r < s_.kernel_h; ++r) {
      const char* a = input_row(first_row(strip) + static_cast<ptrdiff_t>(r * s_.dilation_h));
      const size_t taps = p_.by_tap ? s_.kernel_w : 1;
      for (size_t tap = 0; tap < taps; ++tap) *to++ = a + tap * s_.dilation_w * pixel_bytes();
    }
  }

  /// For segments that are no whole number of vectors: how much of the last one counts.
  struct RowEnd {
    size_t first, lanes;  // in values from the segment's start; groups that are begun
    I32 ones;             // a 1 for each value
  };
  RowEnd row_end() const {
    constexpr size_t kVector = kLanes * kGroupBytes;
    RowEnd end;
    end.first = p_.segment / kVector * kVector;
    const size_t rest = p_.segment - end.first;
    end.lanes = ceil_div(rest, kGroupBytes);
    int8_t ones[kVector];
    for (size_t i = 0; i < kVector; ++i) ones[i] = i < rest;
    end.ones = load_int(ones);
    return end;
  }
  /// The sum of a window's activations, as they are multiplied.
  int32_t window_sum(size_t slot, size_t offset, const RowEnd& end, I32 ones, I32 flip) const {
    I32 sums = broadcast_int(0);
    for (size_t segment = 0; segment < p_.segments; ++segment) {  // by ISA
      const char* a = segments_of(slot)[segment] + offset;
      for (size_t k = 0; k < end.first; k += kLanes * kGroupBytes)  // by ISA
        sums = dot(sums, bit_xor(load_int(a + k), flip), ones);
      if (end.lanes == 0) continue;  // by ISA
      const F32 rest = load_first(reinterpret_cast<const float*>(a + end.first), end.lanes);
      sums = dot(sums, bit_xor(as_int(rest), flip), end.ones);
    }
    const float all =
        fold_lanes(as_float(sums), [](F32 x, F32 y) { return as_float(as_int(x) + as_int(y)); });
    int32_t sum;
    __builtin_memcpy(&sum, &all, sizeof(sum));
    return sum;
  }
  bool has_row_terms() const {
    return kElementBytes == 1 && header_.row_factor != 0;  // by ISA
  }
  int32_t* row_terms(size_t slot) const {
    return reinterpret_cast<int32_t*>(scratch_ + layout_.row_terms) + slot * p_.strip_width;
  }
  size_t width_of(size_t strip) const {
    return strip + 1 == p_.strips ? p_.last_strip_width : p_.strip_width;
  }
  /// row_factor times the sum of each window's activations.
  void find_row_terms(size_t strip, size_t slot) const {
    const RowEnd end = row_end();
    const I32 ones = broadcast_int(0x01010101),
              flip = broadcast_int(static_cast<int32_t>(activation_flip(p_.numbers)));
    int32_t* terms = row_terms(slot);
    for (size_t i = 0; i < width_of(strip); ++i)  // by ISA
      terms[i] = static_cast<int32_t>(
          static_cast<uint32_t>(window_sum(slot, i * s_.stride_w * pixel_bytes(), end, ones, flip)) *
          static_cast<uint32_t>(header_.row_factor));
  }

  void run_columns(size_t strip, size_t count) const {
    for (size_t i = 0; i < count; ++i) describe(strip + i, i);
    for (size_t i = 0; i < count && has_row_terms(); ++i) find_row_terms(strip + i, i);  // by ISA
    const size_t begin = block_ * p_.vectors_per_block;
    const size_t end = min_size(p_.vectors, begin + p_.vectors_per_block);
    const uint32_t* tiling = p_.tiling[block_ + 1 == p_.n_blocks];
    size_t tiles = 0;
    for (size_t v = begin; v < end; ++tiles) {
      const size_t wanted = tiles < tiling[1] ? tiling[0] : tiling[2];
      const size_t width = min_size(wanted, end - v);
      for (size_t i = 0; i < count; ++i) run_block(strip + i, i, v, width);
      v += width;
    }
  }
  void run_block(size_t strip, size_t slot, size_t v, size_t vectors) const {
    const size_t channel = v * kLanes;
    Int8TileArgs t;
    t.segments = segments_of(slot);
    t.segment_count = p_.segments;
    t.groups = ceil_div(p_.segment, kGroupValues);
    t.lda = s_.stride_w * pixel_bytes();
    t.a_offset = 0;
    t.flip = activation_flip(p_.numbers);
    t.panel = p_.k_bytes * kLanes;
    t.b = packed_ + p_.vectors * Columns::kVectorInts * sizeof(int32_t) + v * t.panel;
    t.columns = Columns{reinterpret_cast<const int32_t*>(packed_)}.vector(v);
    t.row_terms = has_row_terms() ? row_terms(slot) : nullptr;  // by ISA
    // Rows of pairs are copied without their zero point.
    t.x_zero =
        kElementBytes == 1 ? p_.numbers.x_zero + activation_shift(p_.numbers) : 0;  // not reached: constant
    const size_t bytes = output_bytes(p_.numbers);
    t.y = static_cast<char*>(args_.y) +
          bytes * (image_ * s_.y_image + (p_.flat ? strip * p_.strip_width * s_.y_pixel : strip * s_.y_row) +
                   group_ * p_.group_out + channel);
    t.ldy = bytes * s_.y_pixel;
    t.channels = min_size(vectors * kLanes, p_.group_out - channel);
    t.mode = header_.mode;
    t.narrow = narrow_for(p_.numbers);
    int8_strip(t, width_of(strip), vectors);
  }

  const Int8ConvPlan& p_;
  const ConvShape& s_;
  const Int8Args& args_;
  const Int8Scratch layout_;
  char* scratch_;
  Int8Header header_;
  size_t block_, group_, image_, begin_, end_;
  const char* packed_;
  ptrdiff_t copied_end_ = 0;
};

}  // namespace

void int8_conv(const Int8ConvPlan& plan, const Int8Args& args, Range tasks, void* scratch) {
  for (size_t task = tasks.begin; task < tasks.end; ++task) Task(plan, args, task, scratch).run();
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

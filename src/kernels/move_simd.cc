#include "kernels/families.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

constexpr size_t kTile = 32;             // elements along both sides of a transposed tile
constexpr size_t kPieceElements = 8192;  // of a long contiguous row

struct Bytes16 {
  uint64_t low, high;
};

/// How copy() walks: the innermost axis or pair of axes, and the outer ones, which are its units.
enum class Inner { kRow, kTranspose, kStrided };
struct Walk {
  Inner inner;
  size_t across;   // kTranspose: the axis that is contiguous in x
  bool cuts_last;  // kTranspose: pieces are cut along the last axis, not along `across`
  size_t piece;    // elements of a piece along the axis that is cut
  size_t pieces;   // units for each position of the outer axes
  size_t outer_rank;
  size_t outer[kMaxCopyRank];
  size_t units;
};

void plan_walk(const CopyArgs& a, Walk* w) {
  const size_t last = a.rank - 1;
  w->inner = Inner::kStrided;
  w->across = last;
  w->cuts_last = false;
  w->piece = kPieceElements;
  w->pieces = 1;
  if (a.x_strides[last] == 1 && a.y_strides[last] == 1) {
    w->inner = Inner::kRow;
    w->pieces = max_size(1, ceil_div(a.dims[last], kPieceElements));
  } else if (a.y_strides[last] == 1) {
    for (size_t i = 0; i < last; ++i)
      if (a.x_strides[i] == 1 && a.dims[i] > 1) {
        w->inner = Inner::kTranspose;
        w->across = i;
        // Along the longer one, in strips of a tile unless the other one is short.
        w->cuts_last = a.dims[i] < a.dims[last];
        const size_t longer = w->cuts_last ? a.dims[last] : a.dims[i];
        const size_t shorter = w->cuts_last ? a.dims[i] : a.dims[last];
        w->piece = shorter < kTile ? kPieceElements / (shorter + 1) + 1 : kTile;
        w->pieces = ceil_div(longer, w->piece);
      }
  }
  w->outer_rank = 0;
  w->units = w->pieces;
  for (size_t i = 0; i < last; ++i) {
    if (w->inner == Inner::kTranspose && i == w->across) continue;
    w->outer[w->outer_rank++] = i;
    w->units *= a.dims[i];
  }
  if (a.dims[last] == 0) w->units = 0;
}

template <typename T>
void copy_row(const T* x, T* y, size_t n) {
  if (n >= 64) {
    __builtin_memcpy(y, x, n * sizeof(T));
    return;
  }
  for (size_t i = 0; i < n; ++i) y[i] = x[i];
}

/// Few channels between the two layouts: with constant strides the compiler uses shuffles.
template <typename T, int N>
void interleave(const T* x, T* y, size_t n, ptrdiff_t x_channel) {
  for (size_t i = 0; i < n; ++i)
    for (int c = 0; c < N; ++c)
      y[i * N + static_cast<size_t>(c)] = x[static_cast<ptrdiff_t>(i) + c * x_channel];
}
template <typename T, int N>
void separate(const T* x, T* y, size_t n, ptrdiff_t y_channel) {
  for (int c = 0; c < N; ++c)
    for (size_t i = 0; i < n; ++i)
      y[static_cast<ptrdiff_t>(i) + c * y_channel] = x[i * N + static_cast<size_t>(c)];
}

template <typename T>
void transpose_tile(const T* x, T* y, size_t rows, size_t columns, ptrdiff_t x_column, ptrdiff_t y_row) {
  // x is contiguous along rows, y along columns.
  if (columns == 3 && y_row == 3) return interleave<T, 3>(x, y, rows, x_column);
  if (columns == 4 && y_row == 4) return interleave<T, 4>(x, y, rows, x_column);
  if (rows == 3 && x_column == 3) return separate<T, 3>(x, y, columns, y_row);
  if (rows == 4 && x_column == 4) return separate<T, 4>(x, y, columns, y_row);
  // By way of a tile in the nearest cache: whole cache lines are then written at once, to many rows of y at a
  // time.
  T tile[kTile][kTile];
  for (size_t begin = 0; begin < columns; begin += kTile) {
    const size_t wide = min_size(kTile, columns - begin);
    for (size_t top = 0; top < rows; top += kTile) {
      const size_t high = min_size(kTile, rows - top);
      for (size_t j = 0; j < wide; ++j) {
        const T* from = x + top + static_cast<ptrdiff_t>(begin + j) * x_column;
        for (size_t i = 0; i < high; ++i) tile[i][j] = from[i];
      }
      for (size_t i = 0; i < high; ++i) {
        T* to = y + static_cast<ptrdiff_t>(top + i) * y_row + begin;
        if (wide == kTile)
          __builtin_memcpy(to, tile[i], sizeof(tile[i]));
        else
          copy_row(tile[i], to, wide);
      }
    }
  }
}

template <typename T>
void copy_typed(const CopyArgs& a, const Walk& w, Range units) {
  const T* x = static_cast<const T*>(a.x);
  T* y = static_cast<T*>(a.y);
  const size_t last = a.rank - 1;
  size_t index[kMaxCopyRank] = {};
  ptrdiff_t x_at = 0, y_at = 0;
  size_t position = units.begin / w.pieces;
  for (size_t i = w.outer_rank; i-- > 0;) {
    const size_t axis = w.outer[i];
    index[i] = position % a.dims[axis];
    position /= a.dims[axis];
    x_at += static_cast<ptrdiff_t>(index[i]) * a.x_strides[axis];
    y_at += static_cast<ptrdiff_t>(index[i]) * a.y_strides[axis];
  }
  size_t piece = units.begin % w.pieces;
  for (size_t unit = units.begin; unit < units.end; ++unit) {
    switch (w.inner) {
      case Inner::kRow: {
        const size_t begin = piece * kPieceElements;
        const size_t n = w.pieces == 1 ? a.dims[last] : min_size(kPieceElements, a.dims[last] - begin);
        copy_row(x + x_at + begin, y + y_at + begin, n);
        break;
      }
      case Inner::kTranspose: {
        const size_t begin = piece * w.piece;
        const size_t rows = a.dims[w.across], columns = a.dims[last];
        const ptrdiff_t x_column = a.x_strides[last], y_row = a.y_strides[w.across];
        const ptrdiff_t skip = static_cast<ptrdiff_t>(begin);
        if (w.cuts_last)
          transpose_tile(x + x_at + skip * x_column, y + y_at + skip, rows,
                         min_size(w.piece, columns - begin), x_column, y_row);
        else
          transpose_tile(x + x_at + skip, y + y_at + skip * y_row, min_size(w.piece, rows - begin), columns,
                         x_column, y_row);
        break;
      }
      case Inner::kStrided:
        for (size_t i = 0; i < a.dims[last]; ++i)
          y[y_at + static_cast<ptrdiff_t>(i) * a.y_strides[last]] =
              x[x_at + static_cast<ptrdiff_t>(i) * a.x_strides[last]];
        break;
    }
    if (++piece < w.pieces) continue;
    piece = 0;
    for (size_t i = w.outer_rank; i-- > 0;) {
      const size_t axis = w.outer[i];
      x_at += a.x_strides[axis];
      y_at += a.y_strides[axis];
      if (++index[i] < a.dims[axis]) break;
      x_at -= static_cast<ptrdiff_t>(a.dims[axis]) * a.x_strides[axis];
      y_at -= static_cast<ptrdiff_t>(a.dims[axis]) * a.y_strides[axis];
      index[i] = 0;
    }
  }
}

template <typename T>
void copy_scalar(const CopyArgs& a) {
  *static_cast<T*>(a.y) = *static_cast<const T*>(a.x);
}

template <typename T>
void pad_row(const PadArgs& a, size_t out_row) {
  const ptrdiff_t height = static_cast<ptrdiff_t>(a.height), width = static_cast<ptrdiff_t>(a.width);
  const T fill = static_cast<T>(a.fill);
  const auto place = [&](ptrdiff_t i, ptrdiff_t n) {
    if (a.mode == PadMode::kReflect) {
      if (i < 0) i = -i;
      if (i >= n) i = 2 * (n - 1) - i;
    }
    return i < 0 ? ptrdiff_t{0} : i >= n ? n - 1 : i;
  };
  T* y = static_cast<T*>(a.y) + out_row * a.out_width * a.channels;
  const ptrdiff_t row = static_cast<ptrdiff_t>(out_row % a.out_height) - a.pad_top;
  if (a.mode == PadMode::kZero && (row < 0 || row >= height)) {
    for (size_t i = 0; i < a.out_width * a.channels; ++i) y[i] = fill;
    return;
  }
  const size_t source = out_row / a.out_height * a.height + static_cast<size_t>(place(row, height));
  const T* x = static_cast<const T*>(a.x) + source * a.width * a.channels;
  const auto outside = [&](size_t begin, size_t end) {
    for (size_t j = begin; j < end; ++j) {
      const ptrdiff_t column = place(static_cast<ptrdiff_t>(j) - a.pad_left, width);
      for (size_t c = 0; c < a.channels; ++c)
        y[j * a.channels + c] =
            a.mode == PadMode::kZero ? fill : x[static_cast<size_t>(column) * a.channels + c];
    }
  };
  const ptrdiff_t out_width = static_cast<ptrdiff_t>(a.out_width);
  const ptrdiff_t begin = a.pad_left < 0 ? 0 : a.pad_left > out_width ? out_width : a.pad_left;
  const ptrdiff_t inside_end = width + a.pad_left;
  const ptrdiff_t end = inside_end < begin ? begin : inside_end > out_width ? out_width : inside_end;
  outside(0, static_cast<size_t>(begin));
  if (end > begin)
    __builtin_memcpy(y + begin * static_cast<ptrdiff_t>(a.channels),
                     x + (begin - a.pad_left) * static_cast<ptrdiff_t>(a.channels),
                     static_cast<size_t>(end - begin) * a.channels * sizeof(T));
  outside(static_cast<size_t>(end), a.out_width);
}

}  // namespace

void copy_simplify(const CopyArgs& args, CopyArgs* out) {
  CopyArgs a = args;
  size_t rank = 0;
  for (size_t i = 0; i < a.rank; ++i) {
    if (a.dims[i] == 1) continue;
    a.dims[rank] = a.dims[i];
    a.x_strides[rank] = a.x_strides[i];
    a.y_strides[rank] = a.y_strides[i];
    ++rank;
  }
  // By falling stride of y; insertion keeps equals in order.
  for (size_t i = 1; i < rank; ++i)
    for (size_t j = i; j > 0 && a.y_strides[j - 1] < a.y_strides[j]; --j) {
      const size_t dim = a.dims[j];
      const ptrdiff_t x = a.x_strides[j], y = a.y_strides[j];
      a.dims[j] = a.dims[j - 1];
      a.x_strides[j] = a.x_strides[j - 1];
      a.y_strides[j] = a.y_strides[j - 1];
      a.dims[j - 1] = dim;
      a.x_strides[j - 1] = x;
      a.y_strides[j - 1] = y;
    }
  size_t joined = 0;
  for (size_t i = 0; i < rank; ++i) {
    const ptrdiff_t n = static_cast<ptrdiff_t>(a.dims[i]);
    if (joined > 0 && a.x_strides[joined - 1] == a.x_strides[i] * n &&
        a.y_strides[joined - 1] == a.y_strides[i] * n) {
      a.dims[joined - 1] *= a.dims[i];
      a.x_strides[joined - 1] = a.x_strides[i];
      a.y_strides[joined - 1] = a.y_strides[i];
      continue;
    }
    a.dims[joined] = a.dims[i];
    a.x_strides[joined] = a.x_strides[i];
    a.y_strides[joined] = a.y_strides[i];
    ++joined;
  }
  a.rank = joined;
  *out = a;
}

size_t copy_units(const CopyArgs& args) {
  if (args.rank == 0) return 1;
  Walk walk;
  plan_walk(args, &walk);
  return walk.units;
}

void copy(const CopyArgs& args, Range units) {
  if (units.begin >= units.end) return;
  if (args.rank == 0) {
    switch (args.element_bytes) {
      case 1:
        return copy_scalar<uint8_t>(args);
      case 2:
        return copy_scalar<uint16_t>(args);
      case 4:
        return copy_scalar<uint32_t>(args);
      case 8:
        return copy_scalar<uint64_t>(args);
      default:
        return copy_scalar<Bytes16>(args);
    }
  }
  Walk walk;
  plan_walk(args, &walk);
  switch (args.element_bytes) {
    case 1:
      return copy_typed<uint8_t>(args, walk, units);
    case 2:
      return copy_typed<uint16_t>(args, walk, units);
    case 4:
      return copy_typed<uint32_t>(args, walk, units);
    case 8:
      return copy_typed<uint64_t>(args, walk, units);
    default:
      return copy_typed<Bytes16>(args, walk, units);
  }
}

void pad(const PadArgs& args, Range rows) {
  for (size_t row = rows.begin; row < rows.end; ++row) {
    if (args.element_bytes == 4)
      pad_row<uint32_t>(args, row);
    else if (args.element_bytes == 2)
      pad_row<uint16_t>(args, row);
    else
      pad_row<uint8_t>(args, row);
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

#include <algorithm>
#include <numeric>

#include "kernels/testing.h"

namespace pochade {
namespace {

class Move : public KernelTest {};
POCHADE_KERNEL_TESTS(Move);

template <typename T>
void check_copy(const Kernels& k, CopyArgs a, const std::string& what) {
  SCOPED_TRACE(what);
  // Where elements lie: x starts so far in that negative strides stay inside.
  ptrdiff_t x_low = 0, x_high = 0, y_high = 0;
  size_t elements = 1;
  for (size_t i = 0; i < a.rank; ++i) {
    elements *= a.dims[i];
    const ptrdiff_t reach = (static_cast<ptrdiff_t>(a.dims[i]) - 1) * a.x_strides[i];
    (reach < 0 ? x_low : x_high) += reach;
    y_high += (static_cast<ptrdiff_t>(a.dims[i]) - 1) * a.y_strides[i];
  }
  GuardedBuffer<T> x(elements == 0 ? 0 : x_high - x_low + 1), y(elements == 0 ? 0 : y_high + 1);
  for (size_t i = 0; i < x.size(); ++i) {
    const uint64_t bits = (i + 1) * 0x9e3779b97f4a7c15ull;
    std::memcpy(&x[i], &bits, std::min(sizeof(T), sizeof(bits)));
  }
  a.element_bytes = sizeof(T);
  a.x = x.data() - x_low;
  a.y = y.data();
  GuardedBuffer<T> want(y.size());
  for (size_t e = 0; e < elements; ++e) {
    size_t rest = e;
    ptrdiff_t xi = -x_low, yi = 0;
    for (size_t i = a.rank; i-- > 0; rest /= a.dims[i]) {
      xi += static_cast<ptrdiff_t>(rest % a.dims[i]) * a.x_strides[i];
      yi += static_cast<ptrdiff_t>(rest % a.dims[i]) * a.y_strides[i];
    }
    want[yi] = x[xi];
  }
  CopyArgs simple;
  k.copy_simplify(a, &simple);
  for (const CopyArgs& args : {a, simple}) {
    const size_t units = k.copy_units(args);
    y.poison();
    k.copy(args, {0, units});
    EXPECT_EQ(0, std::memcmp(want.data(), y.data(), y.size() * sizeof(T))) << "whole";
    y.poison();
    for (size_t end = units; end > 0;) {
      const size_t n = std::min<size_t>(end, 1 + end % 3);
      k.copy(args, {end - n, end});
      end -= n;
    }
    EXPECT_EQ(0, std::memcmp(want.data(), y.data(), y.size() * sizeof(T))) << "in pieces";
  }
}

struct Sixteen {
  uint64_t a, b;
};

void check_all(const Kernels& k, const CopyArgs& a, const std::string& what) {
  check_copy<uint8_t>(k, a, what);
  check_copy<uint16_t>(k, a, what);
  check_copy<uint32_t>(k, a, what);
  check_copy<uint64_t>(k, a, what);
  check_copy<Sixteen>(k, a, what);
}

/// Dense transpose of `dims` by `order`: axis i of y is axis order[i] of x.
CopyArgs transpose(const std::vector<size_t>& dims, const std::vector<size_t>& order) {
  CopyArgs a{};
  a.rank = dims.size();
  std::vector<ptrdiff_t> x_strides(dims.size());
  ptrdiff_t stride = 1;
  for (size_t i = dims.size(); i-- > 0; stride *= static_cast<ptrdiff_t>(dims[i])) x_strides[i] = stride;
  stride = 1;
  for (size_t i = dims.size(); i-- > 0; stride *= static_cast<ptrdiff_t>(a.dims[i])) {
    a.dims[i] = dims[order[i]];
    a.x_strides[i] = x_strides[order[i]];
    a.y_strides[i] = stride;
  }
  return a;
}

TEST_P(Move, EveryTransposeOfFourAxes) {
  for (const std::vector<size_t>& dims :
       {std::vector<size_t>{2, 3, 4, 5}, {1, 33, 1, 40}, {2, 3, 65, 17}, {3, 1, 1, 2}, {2, 0, 3, 4}}) {
    std::vector<size_t> order = {0, 1, 2, 3};
    do {
      check_all(k(), transpose(dims, order), "transpose");
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_P(Move, PicturesBetweenLayouts) {
  for (size_t channels : {1, 3, 4, 17, 64}) {
    check_all(k(), transpose({2, channels, 13, 9}, {0, 2, 3, 1}), "to channels last");
    check_all(k(), transpose({2, 13, 9, channels}, {0, 3, 1, 2}), "to channels first");
  }
}

TEST_P(Move, PicturesOfManyPieces) {
  for (size_t channels : {3, 4, 5, 40}) {
    check_copy<float>(k(), transpose({1, channels, 90, 91}, {0, 2, 3, 1}), "to channels last");
    check_copy<float>(k(), transpose({1, 90, 91, channels}, {0, 3, 1, 2}), "to channels first");
  }
}

TEST_P(Move, SlicesRepeatsAndReversal) {
  check_all(k(), {nullptr, nullptr, 0, 3, {4, 5, 6}, {100, 14, 2}, {30, 6, 1}}, "strided slice");
  check_all(k(), {nullptr, nullptr, 0, 3, {4, 5, 6}, {30, -6, -1}, {30, 6, 1}}, "reversed");
  check_all(k(), {nullptr, nullptr, 0, 3, {4, 5, 6}, {0, 1, 0}, {30, 6, 1}}, "expanded");
  check_all(k(), {nullptr, nullptr, 0, 2, {3, 7}, {7, 1}, {20, 1}}, "into a wider tensor");
  check_all(k(), {nullptr, nullptr, 0, 2, {3, 7}, {7, 1}, {20, 2}}, "every other element of y");
  check_all(k(), {nullptr, nullptr, 0, 0, {}, {}, {}}, "one element");
  check_all(k(), {nullptr, nullptr, 0, 1, {20000}, {1}, {1}}, "one long row");
  check_all(k(),
            {nullptr, nullptr, 0, 6, {2, 3, 2, 2, 2, 5}, {120, 10, 60, 5, 30, 1}, {120, 40, 20, 10, 5, 1}},
            "depth to space");
}

TEST_P(Move, SimplifiesToFewAxes) {
  CopyArgs out;
  k().copy_simplify(transpose({2, 3, 4, 5}, {0, 1, 2, 3}), &out);
  EXPECT_EQ(1u, out.rank);
  EXPECT_EQ(120u, out.dims[0]);
  k().copy_simplify(transpose({1, 3, 4, 5}, {0, 2, 3, 1}), &out);
  EXPECT_EQ(2u, out.rank);
  EXPECT_EQ(20u, out.dims[0]);
  EXPECT_EQ(3u, out.dims[1]);
}

template <typename T>
void check_pad(const Kernels& k, PadArgs a) {
  GuardedBuffer<T> x(a.batch * a.height * a.width * a.channels),
      y(a.batch * a.out_height * a.out_width * a.channels);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i * 2654435761u >> 5);
  a.x = x.data();
  a.y = y.data();
  a.element_bytes = sizeof(T);
  const auto place = [&](ptrdiff_t i, ptrdiff_t n) -> ptrdiff_t {
    if (i >= 0 && i < n) return i;
    if (a.mode == PadMode::kZero) return -1;
    if (a.mode == PadMode::kEdge) return i < 0 ? 0 : n - 1;
    return i < 0 ? -i : 2 * (n - 1) - i;
  };
  const size_t rows = a.batch * a.out_height;
  for (size_t row = rows; row-- > 0;) k.pad(a, {row, row + 1});
  const std::vector<T> pieces = y.copy();
  y.poison();
  k.pad(a, {0, rows});
  EXPECT_EQ(pieces, y.copy());
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t c = i % a.channels, w = i / a.channels % a.out_width,
                 h = i / a.channels / a.out_width % a.out_height,
                 n = i / a.channels / a.out_width / a.out_height;
    const ptrdiff_t ih = place(static_cast<ptrdiff_t>(h) - a.pad_top, a.height),
                    iw = place(static_cast<ptrdiff_t>(w) - a.pad_left, a.width);
    const T want =
        ih < 0 || iw < 0 ? static_cast<T>(a.fill) : x[((n * a.height + ih) * a.width + iw) * a.channels + c];
    ASSERT_EQ(want, y[i]) << "element " << i;
  }
}

TEST_P(Move, PadsAndCrops) {
  for (PadMode mode : {PadMode::kZero, PadMode::kReflect, PadMode::kEdge})
    for (size_t channels : {1, 3, 20})
      for (ptrdiff_t pad : {-2, 0, 3})
        for (size_t size : {3, 8, 9}) {
          if (mode == PadMode::kReflect && static_cast<ptrdiff_t>(size) - pad - 5 > 3) continue;
          const PadArgs a{nullptr, nullptr, 0, 2, 5, 6, channels, size, size, pad, pad, mode, 0x3f800001};
          check_pad<uint8_t>(k(), a);
          check_pad<uint16_t>(k(), a);
          check_pad<uint32_t>(k(), a);
        }
  // Of x, nothing is left: all columns lie before it, or behind it.
  for (PadMode mode : {PadMode::kZero, PadMode::kEdge})
    for (ptrdiff_t left : {7, -9})
      check_pad<uint32_t>(k(), {nullptr, nullptr, 0, 2, 5, 6, 3, 4, 4, 0, left, mode, 5});
}

}  // namespace
}  // namespace pochade

#include "kernels/conv.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

/// One panel: kLanes output channels from `first`, zeros for those beyond `outputs`.
float* pack_run(const float* from, size_t k, ptrdiff_t k_stride, ptrdiff_t n_stride, size_t lanes,
                float* to) {
  for (size_t i = 0; i < k; ++i, to += kLanes) {
    const float* row = from + static_cast<ptrdiff_t>(i) * k_stride;
    if (n_stride == 1) {
      store(to, load_up_to(row, lanes));
      continue;
    }
    for (size_t lane = 0; lane < kLanes; ++lane)
      to[lane] = lane < lanes ? row[static_cast<ptrdiff_t>(lane) * n_stride] : 0.0f;
  }
  return to;
}

/// N x K source: read along k, which is contiguous there, a few at a time for each column.
void pack_transposed(const float* from, size_t k, ptrdiff_t n_stride, size_t lanes, float* to) {
  constexpr size_t kAtOnce = 16;
  for (size_t begin = 0; begin < k; begin += kAtOnce) {
    const size_t end = min_size(k, begin + kAtOnce);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float* column = from + static_cast<ptrdiff_t>(lane) * n_stride;
      for (size_t i = begin; i < end; ++i) to[i * kLanes + lane] = lane < lanes ? column[i] : 0.0f;
    }
  }
}

}  // namespace

void conv_pack(const ConvPlan& plan, const ConvSource& source, float* packed, Range groups) {
  const ConvShape& s = plan.shape;
  for (size_t g = groups.begin; g < groups.end; ++g) {
    float* to = packed + g * plan.group_packed_floats;
    const float* group = source.data + static_cast<ptrdiff_t>(g * plan.group_out) * source.o_stride;
    const size_t step = plan.dot ? 1 : kLanes;
    for (size_t o = 0; o < plan.group_out; o += step)
      for (size_t r = 0; r < s.kernel_h; ++r)
        for (size_t tap = 0; tap < s.kernel_w; ++tap) {
          const float* from = group + static_cast<ptrdiff_t>(o) * source.o_stride +
                              static_cast<ptrdiff_t>(r) * source.r_stride +
                              static_cast<ptrdiff_t>(tap) * source.s_stride;
          if (plan.dot) {
            for (size_t c = 0; c < plan.group_in; ++c)
              *to++ = from[static_cast<ptrdiff_t>(c) * source.c_stride];
          } else {
            to = pack_run(from, plan.group_in, source.c_stride, source.o_stride,
                          min_size(kLanes, plan.group_out - o), to);
          }
        }
  }
}

size_t gemm_pack_units(const GemmPlan& plan) {
  return plan.conv.dot ? plan.shape.n : ceil_div(plan.shape.n, kLanes);
}

void gemm_pack(const GemmPlan& plan, const GemmSource& source, float* packed, Range units) {
  const size_t k = plan.shape.k;
  for (size_t unit = units.begin; unit < units.end; ++unit) {
    if (plan.conv.dot) {
      const float* from = source.data + static_cast<ptrdiff_t>(unit) * source.n_stride;
      for (size_t i = 0; i < k; ++i) packed[unit * k + i] = from[static_cast<ptrdiff_t>(i) * source.k_stride];
      continue;
    }
    const size_t n = unit * kLanes;
    const size_t lanes = min_size(kLanes, plan.shape.n - n);
    const float* from = source.data + static_cast<ptrdiff_t>(n) * source.n_stride;
    if (source.k_stride == 1 && source.n_stride != 1)
      pack_transposed(from, k, source.n_stride, lanes, packed + n * k);
    else
      pack_run(from, k, source.k_stride, source.n_stride, lanes, packed + n * k);
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

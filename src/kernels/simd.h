#pragma once
// A thin vector of floats, one definition for each instruction set. Only for *_simd.cc files, which are
// compiled once for each of them into the namespace pochade::POCHADE_KERNEL_ISA.
//
// min(a, b) and max(a, b) give b if either is NaN (as x86 does) or NaN (as ARM does): with a constant as `a`,
// a NaN in b is kept on both. min_nan and max_nan give NaN if either operand is NaN.

#include <stddef.h>
#include <stdint.h>

#if defined(POCHADE_KERNEL_ISA_avx2) || defined(POCHADE_KERNEL_ISA_avx512)
#include <immintrin.h>
#elif defined(POCHADE_KERNEL_ISA_neon)
#include <arm_neon.h>
#endif

#define POCHADE_INLINE inline __attribute__((always_inline))

/// Before a loop over an array that is to stay in registers.
#if defined(POCHADE_KERNEL_SMALL)
#define POCHADE_UNROLL(times)
#else
#define POCHADE_UNROLL(times) POCHADE_PRAGMA(GCC unroll times)
#define POCHADE_PRAGMA(text) _Pragma(#text)
#endif

#if defined(POCHADE_KERNEL_ISA_avx512)
#include "kernels/simd_avx512.h"
#elif defined(POCHADE_KERNEL_ISA_avx2)
#include "kernels/simd_avx2.h"
#elif defined(POCHADE_KERNEL_ISA_neon)
#include "kernels/simd_neon.h"
#else
#include "kernels/simd_scalar.h"
#endif

namespace pochade {
namespace POCHADE_KERNEL_ISA {

inline constexpr size_t kLanes = F32::kLanes;

POCHADE_INLINE F32 zero() {
  return broadcast(0.0f);
}
POCHADE_INLINE F32 neg(F32 a) {
  return as_float(bit_xor(as_int(a), broadcast_int(INT32_MIN)));
}
POCHADE_INLINE F32 abs(F32 a) {
  return as_float(bit_and(as_int(a), broadcast_int(INT32_MAX)));
}
/// |a| with the sign of b.
POCHADE_INLINE F32 copy_sign(F32 a, F32 b) {
  return as_float(
      bit_or(bit_and(as_int(a), broadcast_int(INT32_MAX)), bit_and(as_int(b), broadcast_int(INT32_MIN))));
}
POCHADE_INLINE F32 max_nan(F32 a, F32 b) {
  return select(is_nan(a), a, max(a, b));
}
POCHADE_INLINE F32 min_nan(F32 a, F32 b) {
  return select(is_nan(a), a, min(a, b));
}

/// n of kLanes or fewer: the whole vector or its first lanes.
POCHADE_INLINE F32 load_up_to(const float* p, size_t n) {
#if defined(POCHADE_KERNEL_ISA_avx512)
  return load_first(p, n);  // with a mask of all lanes as fast as without
#else
  return n >= kLanes ? load(p) : load_first(p, n);
#endif
}
POCHADE_INLINE void store_up_to(float* p, F32 a, size_t n) {
#if defined(POCHADE_KERNEL_ISA_avx512)
  store_first(p, a, n);
#else
  if (n >= kLanes)
    store(p, a);
  else
    store_first(p, a, n);
#endif
}

POCHADE_INLINE float sum_lanes(F32 a) {
  return fold_lanes(a, [](F32 x, F32 y) { return x + y; });
}
POCHADE_INLINE float max_lanes(F32 a) {
  return fold_lanes(a, [](F32 x, F32 y) { return max_nan(x, y); });
}
POCHADE_INLINE float min_lanes(F32 a) {
  return fold_lanes(a, [](F32 x, F32 y) { return min_nan(x, y); });
}

POCHADE_INLINE size_t min_size(size_t a, size_t b) {
  return a < b ? a : b;
}
POCHADE_INLINE size_t max_size(size_t a, size_t b) {
  return a > b ? a : b;
}
POCHADE_INLINE size_t ceil_div(size_t a, size_t b) {
  return (a + b - 1) / b;
}
POCHADE_INLINE size_t round_up(size_t a, size_t b) {
  return ceil_div(a, b) * b;
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

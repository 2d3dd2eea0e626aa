// Number formats of 16 bits.

#include "kernels/families.h"

namespace pochade {
namespace POCHADE_KERNEL_ISA {
namespace {

#if defined(POCHADE_HALF_BY_BITS)
float bits_to_float(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof(x));
  return x;
}
uint32_t float_to_bits(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof(bits));
  return bits;
}

float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t exponent = (h >> 10) & 0x1f, mantissa = h & 0x3ff;
  if (exponent == 31)
    return bits_to_float(sign | 0x7f800000 | (mantissa << 13) | (mantissa != 0 ? 0x400000 : 0));
  if (exponent != 0) return bits_to_float(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float value = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
  return sign != 0 ? -value : value;
}

uint16_t float_to_half(float x) {
  const uint32_t bits = float_to_bits(x);
  const uint32_t sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff));
  if (magnitude >= 0x477ff000)
    return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and more round to infinity
  if (magnitude < 0x38800000) {                   // below 2^-14: a multiple of 2^-24
    const float scaled = __builtin_rintf(bits_to_float(magnitude) * 16777216.0f);
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(scaled));
  }
  const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112 << 10)));
}

F32 load_half(const uint16_t* p) {
  float values[kLanes];
  for (size_t i = 0; i < kLanes; ++i) values[i] = half_to_float(p[i]);
  return load(values);
}
void store_half(uint16_t* p, F32 a) {
  float values[kLanes];
  store(values, a);
  for (size_t i = 0; i < kLanes; ++i) p[i] = float_to_half(values[i]);
}
#endif

}  // namespace

void f16_to_f32(const uint16_t* x, float* y, Range r) {
  size_t i = r.begin;
  for (; i + kLanes <= r.end; i += kLanes) store(y + i, load_half(x + i));
  if (i == r.end) return;
  uint16_t rest[kLanes] = {};
  for (size_t j = 0; j < r.end - i; ++j) rest[j] = x[i + j];
  store_first(y + i, load_half(rest), r.end - i);
}

void f32_to_f16(const float* x, uint16_t* y, Range r) {
  size_t i = r.begin;
  for (; i + kLanes <= r.end; i += kLanes) store_half(y + i, load(x + i));
  if (i == r.end) return;
  uint16_t rest[kLanes];
  store_half(rest, load_first(x + i, r.end - i));
  for (size_t j = 0; j < r.end - i; ++j) y[i + j] = rest[j];
}

void bf16_to_f32(const uint16_t* x, float* y, Range r) {
  for (size_t i = r.begin; i < r.end; ++i) {
    const uint32_t bits = static_cast<uint32_t>(x[i]) << 16;
    __builtin_memcpy(y + i, &bits, sizeof(bits));
  }
}

void f32_to_bf16(const float* x, uint16_t* y, Range r) {
  for (size_t i = r.begin; i < r.end; ++i) {
    uint32_t bits;
    __builtin_memcpy(&bits, x + i, sizeof(bits));
    const bool nan = (bits & 0x7fffffff) > 0x7f800000;
    const uint32_t rounded = nan ? bits | 0x400000 : bits + 0x7fff + ((bits >> 16) & 1);
    y[i] = static_cast<uint16_t>(rounded >> 16);
  }
}

}  // namespace POCHADE_KERNEL_ISA
}  // namespace pochade

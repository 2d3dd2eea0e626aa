#include "kernels/libm.h"

#include <math.h>

namespace pochade {
namespace {

template <float (*kFunction)(float)>
void map(const float* x, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = kFunction(x[i]);
}

}  // namespace

void libm_unary(Unary op, const float* x, float* y, size_t n) {
  switch (op) {
    case Unary::kSin:
      return map<sinf>(x, y, n);
    case Unary::kCos:
      return map<cosf>(x, y, n);
    case Unary::kTan:
      return map<tanf>(x, y, n);
    case Unary::kAsin:
      return map<asinf>(x, y, n);
    case Unary::kAcos:
      return map<acosf>(x, y, n);
    case Unary::kAtan:
      return map<atanf>(x, y, n);
    case Unary::kSinh:
      return map<sinhf>(x, y, n);
    case Unary::kCosh:
      return map<coshf>(x, y, n);
    case Unary::kAsinh:
      return map<asinhf>(x, y, n);
    case Unary::kAcosh:
      return map<acoshf>(x, y, n);
    case Unary::kAtanh:
      return map<atanhf>(x, y, n);
    default:
      return;
  }
}

void libm_pow(const float* a, size_t a_step, const float* b, size_t b_step, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = powf(a[i * a_step], b[i * b_step]);
}

}  // namespace pochade

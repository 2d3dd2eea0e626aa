#include "ops/quant/quantized_kinds.h"

namespace pochade {

Result<Step> lower_quantized_conv(const Quantized&, const Lowering&) {
  return Lowering::reference();
}

Result<Step> lower_quantized_gemm(const Quantized&, const Lowering&) {
  return Lowering::reference();
}

}  // namespace pochade

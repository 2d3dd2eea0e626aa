#include "ops/quant/quantized_kinds.h"

namespace pochade {

Result<Step> lower(const Quantized& quantized, const Lowering& at) {
  const QuantizedKind* kind = quantized_kind(quantized.op->name());
  if (kind == nullptr || kind->lower == nullptr) return Lowering::reference();
  return kind->lower(quantized, at);
}

}  // namespace pochade

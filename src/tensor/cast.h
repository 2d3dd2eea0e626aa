#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace pochade {

/// Tensor::cast on plain arrays. y may be x if both types have one size.
void cast_elements(DType from, const std::byte* x, DType to, std::byte* y, size_t count);

}  // namespace pochade

#pragma once
// NumPy's .npy files, versions 1 to 3 (numpy.lib.format). bfloat16 travels as uint16 bits.

#include <filesystem>

#include "tensor/tensor.h"

namespace pochade {

/// Little-endian, C order. Errors name what was expected.
Result<Tensor> read_npy(const std::filesystem::path& path);
Result<Tensor> parse_npy(const Bytes& bytes);

/// The whole file's bytes, version 1.0.
std::string npy_bytes(const Tensor& tensor);

}  // namespace pochade

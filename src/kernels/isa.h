#pragma once
// Instruction sets that the kernels are compiled for, and which of them this CPU and operating system run.

#include <optional>
#include <string_view>
#include <vector>

namespace pochade {

struct Kernels;

enum class Isa { kScalar, kAvx2, kAvxVnni, kAvx512, kAvx512Vnni, kNeon, kNeonDotprod, kNeonI8mm };

/// "scalar", "avx2" (with FMA and F16C), "avx_vnni", "avx512" (F, BW, DQ, VL), "avx512_vnni", "neon",
/// "neon_dotprod" or "neon_i8mm" (with the dot product). The vnni, dotprod and i8mm ones have integer kernels
/// of their own; the others are those of avx2, avx512 and neon.
std::string_view name(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);

/// Those that are compiled in and that the CPU and the operating system support, slowest first. Never empty.
const std::vector<Isa>& supported_isas();

/// The last of supported_isas().
Isa best_isa();

/// The kernels of `isa`; null if they are not compiled in or this machine cannot run them.
const Kernels* kernels(Isa isa);

}  // namespace pochade

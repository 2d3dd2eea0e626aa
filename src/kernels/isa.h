#pragma once
// Instruction sets that the kernels are compiled for, and which of them this CPU and operating system run.

#include <optional>
#include <string_view>
#include <vector>

namespace pochade {

struct Kernels;

enum class Isa { kScalar, kAvx2, kAvx512, kNeon };

/// "scalar", "avx2" (with FMA and F16C), "avx512" (F, BW, DQ, VL) or "neon".
std::string_view name(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);

/// Those that are compiled in and that the CPU and the operating system support, slowest first. Never empty.
const std::vector<Isa>& supported_isas();

/// The last of supported_isas().
Isa best_isa();

/// The kernels of `isa`; null if they are not compiled in or this machine cannot run them.
const Kernels* kernels(Isa isa);

}  // namespace pochade

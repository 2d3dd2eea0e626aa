#include "kernels/isa.h"

#include "kernels/kernels.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__arm__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace pochade {

#define POCHADE_DECLARE(isa)     \
  namespace isa {                \
  extern const Kernels kKernels; \
  }
POCHADE_DECLARE(scalar)
POCHADE_DECLARE(avx2)
POCHADE_DECLARE(avx512)
POCHADE_DECLARE(neon)
#undef POCHADE_DECLARE

namespace {

constexpr struct {
  Isa isa;
  std::string_view name;
} kNames[] = {{Isa::kScalar, "scalar"}, {Isa::kAvx2, "avx2"}, {Isa::kAvx512, "avx512"}, {Isa::kNeon, "neon"}};

#if defined(__x86_64__) || defined(__i386__)
struct Cpuid {
  unsigned a = 0, b = 0, c = 0, d = 0;
  Cpuid(unsigned leaf, unsigned subleaf) { __get_cpuid_count(leaf, subleaf, &a, &b, &c, &d); }
};

constexpr bool bit(unsigned word, int index) {
  return ((word >> index) & 1) != 0;
}

/// Which registers the operating system saves (XCR0).
unsigned saved_registers() {
  if (!bit(Cpuid(1, 0).c, 27)) return 0;  // OSXSAVE
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool cpu_has(Isa isa) {
  if (isa == Isa::kScalar) return true;
  if (isa == Isa::kNeon) return false;
  const Cpuid one(1, 0), seven(7, 0);
  const unsigned saved = saved_registers();
  const bool fma = bit(one.c, 12), avx = bit(one.c, 28), f16c = bit(one.c, 29);
  const bool avx2 = (saved & 0x6) == 0x6 && avx && fma && f16c && bit(seven.b, 5);
  if (isa == Isa::kAvx2) return avx2;
  const bool f = bit(seven.b, 16), dq = bit(seven.b, 17), bw = bit(seven.b, 30), vl = bit(seven.b, 31);
  return avx2 && (saved & 0xe6) == 0xe6 && f && dq && bw && vl;
}
#elif defined(__aarch64__)
bool cpu_has(Isa isa) {
  return isa == Isa::kScalar || isa == Isa::kNeon;
}
#elif defined(__arm__) && defined(__linux__)
bool cpu_has(Isa isa) {
  // NEON and VFPv4 (fused multiply-add), as HWCAP_NEON and HWCAP_VFPv4 of the Linux kernel's asm/hwcap.h.
  constexpr unsigned long kNeon = 1ul << 12, kVfp4 = 1ul << 16;
  return isa == Isa::kScalar ||
         (isa == Isa::kNeon && (getauxval(AT_HWCAP) & (kNeon | kVfp4)) == (kNeon | kVfp4));
}
#else
bool cpu_has(Isa isa) {
  return isa == Isa::kScalar;
}
#endif

const Kernels* compiled(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
#if defined(POCHADE_HAS_scalar)
      return &scalar::kKernels;
#else
      return nullptr;
#endif
    case Isa::kAvx2:
#if defined(POCHADE_HAS_avx2)
      return &avx2::kKernels;
#else
      return nullptr;
#endif
    case Isa::kAvx512:
#if defined(POCHADE_HAS_avx512)
      return &avx512::kKernels;
#else
      return nullptr;
#endif
    case Isa::kNeon:
#if defined(POCHADE_HAS_neon)
      return &neon::kKernels;
#else
      return nullptr;
#endif
  }
  return nullptr;
}

}  // namespace

std::string_view name(Isa isa) {
  return kNames[static_cast<int>(isa)].name;
}

std::optional<Isa> parse_isa(std::string_view text) {
  for (const auto& entry : kNames)
    if (entry.name == text) return entry.isa;
  return std::nullopt;
}

const std::vector<Isa>& supported_isas() {
  static const std::vector<Isa> supported = [] {
    std::vector<Isa> found;
    for (const auto& entry : kNames)
      if (compiled(entry.isa) != nullptr && cpu_has(entry.isa)) found.push_back(entry.isa);
    return found;
  }();
  return supported;
}

Isa best_isa() {
  return supported_isas().back();
}

const Kernels* kernels(Isa isa) {
  for (const Isa supported : supported_isas())
    if (supported == isa) return compiled(isa);
  return nullptr;
}

}  // namespace pochade

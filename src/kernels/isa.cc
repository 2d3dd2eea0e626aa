#include "kernels/isa.h"

#include "kernels/kernels.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif (defined(__arm__) || defined(__aarch64__)) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace pochade {

#define POCHADE_DECLARE(isa, Table, kTable) \
  namespace isa {                           \
  extern const Table kTable;                \
  }
POCHADE_DECLARE(scalar, Kernels, kKernels)
POCHADE_DECLARE(avx2, Kernels, kKernels)
POCHADE_DECLARE(avx_vnni, Int8Kernels, kInt8Kernels)
POCHADE_DECLARE(avx512, Kernels, kKernels)
POCHADE_DECLARE(avx512_vnni, Int8Kernels, kInt8Kernels)
POCHADE_DECLARE(neon, Kernels, kKernels)
POCHADE_DECLARE(neon_dotprod, Int8Kernels, kInt8Kernels)
POCHADE_DECLARE(neon_i8mm, Int8Kernels, kInt8Kernels)
#undef POCHADE_DECLARE

namespace {

constexpr struct {
  Isa isa;
  std::string_view name;
} kNames[] = {{Isa::kScalar, "scalar"},
              {Isa::kAvx2, "avx2"},
              {Isa::kAvxVnni, "avx_vnni"},
              {Isa::kAvx512, "avx512"},
              {Isa::kAvx512Vnni, "avx512_vnni"},
              {Isa::kNeon, "neon"},
              {Isa::kNeonDotprod, "neon_dotprod"},
              {Isa::kNeonI8mm, "neon_i8mm"}};

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
  if (isa == Isa::kNeon || isa == Isa::kNeonDotprod || isa == Isa::kNeonI8mm) return false;
  const Cpuid one(1, 0), seven(7, 0);
  const unsigned saved = saved_registers();
  const bool fma = bit(one.c, 12), avx = bit(one.c, 28), f16c = bit(one.c, 29);
  const bool avx2 = (saved & 0x6) == 0x6 && avx && fma && f16c && bit(seven.b, 5);
  if (isa == Isa::kAvx2) return avx2;
  if (isa == Isa::kAvxVnni) return avx2 && seven.a >= 1 && bit(Cpuid(7, 1).a, 4);
  const bool f = bit(seven.b, 16), dq = bit(seven.b, 17), bw = bit(seven.b, 30), vl = bit(seven.b, 31);
  const bool avx512 = avx2 && (saved & 0xe6) == 0xe6 && f && dq && bw && vl;
  return isa == Isa::kAvx512Vnni ? avx512 && bit(seven.c, 11) : avx512;
}
#elif defined(__aarch64__)
bool cpu_has(Isa isa) {
#if defined(__linux__)
  constexpr unsigned long kDotprod = 1ul << 20;  // HWCAP_ASIMDDP of the Linux kernel's asm/hwcap.h
  constexpr unsigned long kI8mm = 1ul << 13;     // HWCAP2_I8MM
  const bool dotprod = (getauxval(AT_HWCAP) & kDotprod) != 0;
  if (isa == Isa::kNeonDotprod) return dotprod;
  if (isa == Isa::kNeonI8mm) return dotprod && (getauxval(AT_HWCAP2) & kI8mm) != 0;
#endif
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

/// All of `base`, but for the integers.
[[maybe_unused]] Kernels extended(const Kernels& base, const Int8Kernels& int8) {
  Kernels out = base;
  out.isa = int8.isa;
  out.int8 = &int8;
  return out;
}

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
    case Isa::kAvxVnni: {
#if defined(POCHADE_HAS_avx_vnni)
      static const Kernels table = extended(avx2::kKernels, avx_vnni::kInt8Kernels);
      return &table;
#else
      return nullptr;
#endif
    }
    case Isa::kAvx512:
#if defined(POCHADE_HAS_avx512)
      return &avx512::kKernels;
#else
      return nullptr;
#endif
    case Isa::kAvx512Vnni: {
#if defined(POCHADE_HAS_avx512_vnni)
      static const Kernels table = extended(avx512::kKernels, avx512_vnni::kInt8Kernels);
      return &table;
#else
      return nullptr;
#endif
    }
    case Isa::kNeon:
#if defined(POCHADE_HAS_neon)
      return &neon::kKernels;
#else
      return nullptr;
#endif
    case Isa::kNeonDotprod: {
#if defined(POCHADE_HAS_neon_dotprod)
      static const Kernels table = extended(neon::kKernels, neon_dotprod::kInt8Kernels);
      return &table;
#else
      return nullptr;
#endif
    }
    case Isa::kNeonI8mm: {
#if defined(POCHADE_HAS_neon_i8mm)
      static const Kernels table = extended(neon::kKernels, neon_i8mm::kInt8Kernels);
      return &table;
#else
      return nullptr;
#endif
    }
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

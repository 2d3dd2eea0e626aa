#include "base/knobs.h"

#include <algorithm>
#include <cstdlib>

#include "base/check.h"

namespace pochade {
namespace {

constexpr Knob kKnobs[] = {
    {"POCHADE_ISA", "scalar, avx2, avx_vnni, avx512, avx512_vnni, neon, neon_dotprod, neon_i8mm",
     "the best that this CPU has", "Instruction set of the kernels; one that the CPU lacks is refused."},
    {"POCHADE_KERAS_READER", "a program", "pochade-keras-reader beside pochade",
     "Opens HDF5 files and .keras archives, in a process of its own."},
    {"POCHADE_THREADS", "1 or more", "the CPUs that this process may use", "Threads of a session."},
};

}  // namespace

std::span<const Knob> knobs() {
  return kKnobs;
}

std::string knob(std::string_view name) {
  CHECK(std::any_of(std::begin(kKnobs), std::end(kKnobs), [&](const Knob& k) { return k.name == name; }));
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? "" : value;
}

}  // namespace pochade

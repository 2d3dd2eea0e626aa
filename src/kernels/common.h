#pragma once
// What the arguments of all kernels share. Plain old data: kernel files must not instantiate anything of the
// standard library, since the linker may keep a copy that was compiled for AVX-512.
//
// Conventions, unless a kernel says otherwise:
// - Activations are NHWC, dense. Lengths are in elements, never in bytes. "ld" is the distance between rows.
// - A kernel that takes a Range computes the outputs of these units only, and units are independent: any
// division
//   of [0, units) among threads, in any order, gives the same bits (but for the sign of a NaN).
// - `scratch` is memory of the calling thread alone, 64-byte aligned, of the size that the plan or the
// function says;
//   its contents mean nothing between calls.
// - No pointer needs an alignment beyond that of its element type. Nothing outside the described arrays is
// read or written.
// - Inputs and outputs must not overlap, except that elementwise kernels, norms, softmax and `residual` allow
// an
//   output that is exactly an input (same pointer, same layout).
// - NaN: relu, clip, min, max and max pooling give NaN if an input is NaN; infinities follow IEEE arithmetic.

#include <stddef.h>
#include <stdint.h>

namespace pochade {

/// Units [begin, end).
struct Range {
  size_t begin;
  size_t end;
};

// kNone is also the graph's absent value, which GCC calls shadowed although this one is scoped.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
/// A function of one element that a wider operator applies to its result.
struct Activation {
  enum class Kind : uint8_t {
    kNone,
    kRelu,         ///< max(x, 0)
    kClip,         ///< min(max(x, a), b); relu6 is a = 0, b = 6
    kLeakyRelu,    ///< x < 0 ? a * x : x
    kSigmoid,      ///< 1 / (1 + exp(-x))
    kTanh,         ///<
    kHardSigmoid,  ///< min(max(a * x + b, 0), 1)
    kHardSwish,    ///< x * min(max(x / 6 + 0.5, 0), 1)
    kSilu,         ///< x * sigmoid(x)
    kGelu,         ///< x * (1 + erf(x / sqrt(2))) / 2
    kElu,          ///< x < 0 ? a * (exp(x) - 1) : x
  };
  Kind kind = Kind::kNone;
  float a = 0;
  float b = 0;
  bool operator==(const Activation&) const = default;
};
using ActivationKind = Activation::Kind;
#pragma GCC diagnostic pop

enum class PadMode : uint8_t {
  kZero,
  kReflect,  ///< without repeating the border: 2 1 | 0 1 2; each pad must be smaller than the axis
  kEdge,
};

}  // namespace pochade

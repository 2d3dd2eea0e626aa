#pragma once
// Dynamic range quantization: the weights are 8-bit integers, the activations floats. TFLite quantizes the
// activations of each run by their range, and multiplies integers; so do we.

#include "formats/tflite/scope.h"

namespace pochade::tflite {

/// Whether x is float and w int8, which TFLite computes so.
bool is_hybrid(const NodeScope& node, ValueId x, ValueId w);

struct Hybrid {
  ValueId x = kNone;        ///< whole numbers, float32
  ValueId x_scale = kNone;  ///< N,1,...
  ValueId w = kNone;        ///< whole numbers, float32
  ValueId w_scale = kNone;  ///< a scalar, or one for each output channel
  bool by_channel = false;
};
/// `w` has its output channels first.
Result<Hybrid> quantized_rows(NodeScope& node, ValueId x, ValueId w, bool symmetric);

/// act(sums * scales + b) for the sums of products of hybrid.x and hybrid.w, output channels last.
Result<ValueId> scaled_sums(NodeScope& node, const Hybrid& hybrid, ValueId sums, ValueId b,
                            const Activation& act);

}  // namespace pochade::tflite

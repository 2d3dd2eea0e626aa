#pragma once
// What the integer LSTM computes with: multipliers and biases, which oracle and kernel share.

#include <array>
#include <optional>

#include "ops/quant/fixed_point.h"
#include "ops/quant/integer_lstm.h"

namespace pochade {

/// One gate: sum = wx * (w . x + w_bias) + rh * (r . h + r_bias) + pc * p * c, each term rounded.
struct IntegerGate {
  Tensor w, r, p, norm, bias;
  std::vector<int32_t> w_bias, r_bias;  ///< H: of the zero points, and of the bias if there is no norm
  FixedPoint wx, rh, pc, normed;
  int32_t least_variance = 1;

  /// To mean 0 and variance 1 in 1/1024, then times the norm, plus the bias.
  void normalise(std::span<int16_t> sums) const;
};

/// Sizes, and everything that follows from the weights. T steps, N sequences, I inputs, H cells, O outputs.
struct IntegerLstmParts {
  int64_t steps = 0, batch = 0, inputs = 0, cells = 0, outputs = 0;
  std::array<IntegerGate, 4> gates;  ///< input, forget, cell, output
  bool has_input_gate = true;
  int cell_bits = 0;  ///< before the point, in a cell
  int32_t cell_clip = 0, projection_clip = 0;
  FixedPoint hidden;  ///< from the output gate times the cell to what the projection reads
  int32_t hidden_zero = 0;
  Tensor projection;  ///< undefined: none
  std::vector<int32_t> projection_bias;
  FixedPoint projected;
  int32_t h_zero = 0;
  bool time_major = false;

  /// Which peephole weight cell j of a sequence takes. TFLite walks over gates and cells with the number of
  /// outputs as if it were that of cells: with a projection, cells beyond it have none, and where all
  /// sequences step at once (time_major), later sequences' weights move.
  std::optional<size_t> peephole(int64_t sequence, int64_t cell) const;

  /// Adds what a gate of this sequence sees of its cells.
  void add_peepholes(const IntegerGate& gate, int64_t sequence, const int16_t* c,
                     std::span<int16_t> sums) const;
  int16_t next_cell(int16_t input, int16_t forget, int16_t admitted, int16_t c) const;
  /// From the output gate and tanh of the cell.
  int8_t hidden_of(int16_t gate, int16_t shown) const;
  /// From a row of the projection, scaled and saturated to 16 bits.
  int8_t output_of(int16_t projected) const;

  static IntegerLstmParts of(const IntegerLstm& op, std::span<const Tensor> in);
};

}  // namespace pochade

#pragma once
// The integer LSTM of TFLite.

#include "graph/op.h"
#include "plan/step.h"

namespace pochade {

/// Long short-term memory (Sak et al. 2014, arXiv:1402.1128) on integers, as TFLite's reference kernel
/// computes it, bit for bit: 8-bit activations and weights, a 16-bit cell. T steps, N sequences, I inputs, H
/// cells, O outputs; inputs are numbered as TFLite numbers them, and all but x, f, c, o, their biases and the
/// states may be absent:
///   0 x: int8 N,T,I (T,N,I if time_major)   1-4 w: int8 H,I   5-8 r: int8 H,O   9-11 p: int16 H
///   12-15 b: int32 H   16 projection: int8 O,H   17 its bias: int32 O   18 h: int8 N,O   19 c: int16 N,H
///   20-23 norm: int16 H
/// Fours are of the gates input, forget, cell, output; threes are of input, forget, output. Without w[0] the
/// input gate is 1 - forget. With a norm the gates' sums are normalised before their bias is added.
/// Outputs: y: int8 N,T,O (T,N,O)   h: int8 N,O   c: int16 N,H. h and y have the same scale.
struct IntegerLstm final : OpOf<IntegerLstm> {
  static constexpr std::string_view kName = "IntegerLSTM";
  static constexpr size_t kInputs = 24;

  std::vector<float> scales;       ///< of the inputs, by number; 0 where there is none
  std::vector<float> gate_scales;  ///< 4: of the gates' 16-bit sums; 2^-12 without a norm
  int64_t x_zero = 0, h_zero = 0;
  float hidden_scale = 1;  ///< of what goes into the projection, or of h without one
  int64_t hidden_zero = 0;
  float cell_clip = 0, projection_clip = 0;  ///< 0: not at all
  bool time_major = false;

  static void fields(auto& self, auto&& f) {
    f("scales", self.scales);
    f("gate_scales", self.gate_scales);
    f("x_zero", self.x_zero);
    f("h_zero", self.h_zero);
    f("hidden_scale", self.hidden_scale);
    f("hidden_zero", self.hidden_zero);
    f("cell_clip", self.cell_clip);
    f("projection_clip", self.projection_clip);
    f("time_major", self.time_major);
  }
  /// kNotSupported if the scale of the cell is not a power of two from 2^-15 to 2^-9, as TFLite demands.
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

Result<Step> lower(const IntegerLstm& lstm, const Lowering& at);

/// Low-rank filters over time (Nakkiran et al. 2015) on integers, as TFLite's reference kernel computes them.
/// F filters, F / rank units, a memory of M steps.
///   x: int8 N,I   features: int8 F,I   time: int16 F,M   bias: int32 F/rank (optional)   state: int16 N,F*M
/// Outputs: y: int8 N,F/rank, which is clamped to int8 alone   state.
struct IntegerSvdf final : OpOf<IntegerSvdf> {
  static constexpr std::string_view kName = "IntegerSVDF";

  int64_t rank = 1;
  float x_scale = 1, features_scale = 1, time_scale = 1, state_scale = 1, y_scale = 1;
  int64_t x_zero = 0, y_zero = 0;

  static void fields(auto& self, auto&& f) {
    f("rank", self.rank);
    f("x_scale", self.x_scale);
    f("features_scale", self.features_scale);
    f("time_scale", self.time_scale);
    f("state_scale", self.state_scale);
    f("y_scale", self.y_scale);
    f("x_zero", self.x_zero);
    f("y_zero", self.y_zero);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
};

Result<Step> lower(const IntegerSvdf& svdf, const Lowering& at);

}  // namespace pochade

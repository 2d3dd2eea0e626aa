#pragma once

#include "ops/recurrent/recurrent.h"

namespace pochade {

// Inputs, as ONNX numbers them (T steps, N sequences, I inputs, H hidden, D directions; G gates):
//   0 x: T,N,I   1 w: D,G*H,I   2 r: D,G*H,H   3 b: D,2*G*H (optional)   4 sequence_lens: int32 N (optional)
//   5 initial_h: D,N,H (optional)   6 initial_c: D,N,H (optional, LSTM)   7 p: D,3*H (optional, LSTM)
// Outputs: y: T,D,N,H (0 after a sequence's end)   y_h: D,N,H   y_c: D,N,H (LSTM).
// With batch_first: x N,T,I; states N,D,H; y N,T,D,H.

/// h = f(W x + R h + b)
struct Rnn final : OpOf<Rnn> {
  static constexpr std::string_view kName = "RNN";
  Recurrence recurrence;
  static void fields(auto& self, auto&& f) { f("recurrence", self.recurrence); }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override {
    return recurrent_cost(in, out);
  }
};

/// Gated recurrent unit; gates stand as z, r, h  (Cho et al. 2014).
///   z = f(..)  r = f(..)  h' = g(Wh x + Rh (r * h) + b), or with linear_before_reset g(Wh x + Wb + r * (Rh h
///   + Rb)) h = (1 - z) * h' + z * h
struct Gru final : OpOf<Gru> {
  static constexpr std::string_view kName = "GRU";
  Recurrence recurrence;
  bool linear_before_reset = false;
  static void fields(auto& self, auto&& f) {
    f("recurrence", self.recurrence);
    f("linear_before_reset", self.linear_before_reset);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override {
    return recurrent_cost(in, out);
  }
};

/// Long short-term memory; gates stand as i, o, f, c, peepholes as i, o, f  (Gers and Schmidhuber 2000).
///   i = f(.. + Pi * c)  f = f(.. + Pf * c)  c = f * c + i * g(..)  o = f(.. + Po * c)  h = o * h(c)
struct Lstm final : OpOf<Lstm> {
  static constexpr std::string_view kName = "LSTM";
  Recurrence recurrence;
  bool input_forget = false;  ///< f = 1 - i
  static void fields(auto& self, auto&& f) {
    f("recurrence", self.recurrence);
    f("input_forget", self.input_forget);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override {
    return recurrent_cost(in, out);
  }
};

}  // namespace pochade

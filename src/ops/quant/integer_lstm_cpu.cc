// The integer LSTM on the CPU: dot products and the gates' functions are kernels; sequences are independent
// of each other, steps are not.

#include "kernels/quantized_args.h"
#include "ops/phases.h"
#include "ops/quant/integer_lstm_parts.h"

namespace pochade {
namespace {

size_t size(int64_t n) {
  return static_cast<size_t>(n);
}

/// One sequence, with memory of the calling thread.
class Sequence {
 public:
  Sequence(const IntegerLstmParts& parts, const QuantizedKernels& kernels, std::byte* scratch)
      : parts_(parts), kernels_(kernels), gates_(reinterpret_cast<int16_t*>(scratch)) {}
  static size_t scratch_bytes(const IntegerLstmParts& parts) {
    return size(parts.cells) * (5 * sizeof(int16_t) + sizeof(int8_t)) + size(parts.outputs) * sizeof(int16_t);
  }

  void step(int64_t n, const int8_t* x, int8_t* h, int16_t* c) const {
    for (size_t k = parts_.has_input_gate ? 0 : 1; k < 3; ++k) compute_gate(k, n, x, h, c);
    for (size_t j = 0; j < size(parts_.cells); ++j)
      c[j] = parts_.next_cell(gate(0)[j], gate(1)[j], gate(2)[j], c[j]);
    compute_gate(3, n, x, h, c);
    int16_t* shown = gate(4);
    std::copy_n(c, parts_.cells, shown);
    kernels_.gate_tanh(shown, size(parts_.cells), parts_.cell_bits);
    int16_t* projected = gate(5);
    auto* hidden = reinterpret_cast<int8_t*>(projected + parts_.outputs);
    for (size_t j = 0; j < size(parts_.cells); ++j) hidden[j] = parts_.hidden_of(gate(3)[j], shown[j]);
    if (!parts_.projection.defined()) {
      std::copy_n(hidden, parts_.cells, h);
      return;
    }
    add_products(parts_.projection, hidden, parts_.projection_bias, parts_.projected, projected, true);
    for (int64_t o = 0; o < parts_.outputs; ++o) h[o] = parts_.output_of(projected[o]);
  }

 private:
  int16_t* gate(size_t k) const { return gates_ + k * size(parts_.cells); }

  void add_products(const Tensor& matrix, const int8_t* x, const std::vector<int32_t>& bias,
                    const FixedPoint& by, int16_t* y, bool starts) const {
    kernels_.gate_sums({.x = x,
                        .w = matrix.data<int8_t>().data(),
                        .bias = bias.data(),
                        .y = y,
                        .n = size(matrix.shape()[0]),
                        .k = size(matrix.shape()[1]),
                        .scale = {by.value, std::clamp(-by.exponent, 0, 31)},
                        .left = std::clamp(by.exponent, 0, 31),
                        .starts = starts});
  }

  void compute_gate(size_t k, int64_t n, const int8_t* x, const int8_t* h, const int16_t* c) const {
    const IntegerGate& part = parts_.gates[k];
    add_products(part.w, x, part.w_bias, part.wx, gate(k), true);
    add_products(part.r, h, part.r_bias, part.rh, gate(k), false);
    const std::span<int16_t> sums(gate(k), size(parts_.cells));
    if (part.p.defined()) parts_.add_peepholes(part, n, c, sums);
    if (part.norm.defined()) part.normalise(sums);
    if (k == 2) return kernels_.gate_tanh(sums.data(), sums.size(), 3);
    kernels_.gate_sigmoid(sums.data(), sums.size());
  }

  const IntegerLstmParts& parts_;
  const QuantizedKernels& kernels_;
  int16_t* gates_;
};

}  // namespace

Result<Step> lower(const IntegerLstm& op, const Lowering& at) {
  Tensors in;
  for (size_t i = 0; i < at.inputs.size(); ++i) {
    const bool moves = i == 0 || i == 18 || i == 19;
    if (at.has(i) && !moves && !at.in(i).is_constant()) return Lowering::reference();
    in.push_back(at.in(i).constant);
    if (!moves) continue;
    TRY(in.back(), Tensor::make(*at.in(i).dtype, at.in_shape(i)));  // for its sizes
  }
  const auto parts = std::make_shared<const IntegerLstmParts>(IntegerLstmParts::of(op, in));
  if (std::max({parts->inputs, parts->outputs, parts->cells}) > (1 << 16)) return Lowering::reference();
  Step step;
  step.kernel = "lstm_8";
  step.why = "a task is a sequence";
  step.thread_scratch_bytes = Sequence::scratch_bytes(*parts);
  step.phases.push_back({parts->batch, [parts, &kernels = *at.kernels.quantized](const StepBuffers& b,
                                                                                 int64_t begin, int64_t end) {
                           const Sequence sequence(*parts, kernels, b.thread_scratch);
                           for (int64_t n = begin; n < end; ++n) {
                             int8_t* h = b.out<int8_t>(1) + n * parts->outputs;
                             int16_t* c = b.out<int16_t>(2) + n * parts->cells;
                             std::copy_n(b.in<int8_t>(18) + n * parts->outputs, parts->outputs, h);
                             std::copy_n(b.in<int16_t>(19) + n * parts->cells, parts->cells, c);
                             for (int64_t t = 0; t < parts->steps; ++t) {
                               const int64_t row =
                                   parts->time_major ? t * parts->batch + n : n * parts->steps + t;
                               sequence.step(n, b.in<int8_t>(0) + row * parts->inputs, h, c);
                               std::copy_n(h, parts->outputs, b.out<int8_t>(0) + row * parts->outputs);
                             }
                           }
                         }});
  return step;
}

}  // namespace pochade

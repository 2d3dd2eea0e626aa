// ONNX's operators on integers: the kernels give the same bits on every instruction set, and these are the
// oracle's (DequantizeLinear, the operator, QuantizeLinear) but where the real result lies between two
// integers.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "ops/cases.h"
#include "ops/list.h"
#include "ops/quant/quantized.h"
#include "plan/run_step.h"

namespace pochade {

Cases quantized_onnx_cases();
Cases quantized_conv_cases();

namespace {

std::optional<Tensor> by_kernel(const Case& test, const Tensors& inputs, Isa isa) {
  const Facts facts = facts_of_inputs(test, inputs);
  std::vector<const std::byte*> in;
  for (const Tensor& input : inputs) in.push_back(input.defined() ? input.bytes() : nullptr);
  const Facts outputs = test.op->infer(facts).value();
  PackedWeights weights;
  const Step step = lower_op(*test.op, Lowering{*kernels(isa), facts, outputs, weights}).value();
  if (step.is_reference()) return std::nullopt;
  Tensor y = Tensor::make(*outputs[0].dtype, *outputs[0].shape()).value();
  std::vector<std::byte> shared(step.shared_scratch_bytes + 64), own(step.thread_scratch_bytes + 128);
  const auto aligned = [](std::vector<std::byte>& bytes) {
    return reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(bytes.data()) + 63) / 64 * 64);
  };
  std::byte* out = y.mutable_bytes();
  StepBuffers buffers;
  buffers.inputs = in.data();
  buffers.outputs = &out;
  buffers.shared_scratch = aligned(shared);
  ThreadPool pool(1);
  run_step(step, buffers, aligned(own), pool);
  return y;
}

/// How far the real result lies from the middle between two integers, in steps of the output, for each
/// element.
std::vector<double> distances_from_ties(const Quantized& op, const Tensors& inputs) {
  Quantized real = op;
  real.out[0] = {};
  const Tensor y = real.eval(inputs).value()[0];
  std::vector<double> out;
  for (const float v : y.data<float>()) {
    const double steps = static_cast<double>(v) / static_cast<double>(op.out[0].scale());
    out.push_back(std::fabs(steps - std::floor(steps) - 0.5));
  }
  return out;
}

TEST(QuantizedOnnx, KernelsDifferFromRealArithmeticAtTiesOnly) {
  Cases all = quantized_onnx_cases();
  all.append(quantized_conv_cases());
  int kernels_seen = 0;
  for (const Case& test : all.list()) {
    const auto* op = op_as<Quantized>(*test.op);
    if (op->rounding != Rounding::kOnnx || !op->out[0].dtype) continue;
    for (const uint64_t seed : {1u, 2u}) {
      SCOPED_TRACE(format("{} seed {}", test.name, seed));
      const Tensors inputs = make_inputs(test, seed);
      const Tensor want = test.op->eval(inputs).value()[0];
      std::optional<Tensor> first;
      for (const Isa isa : supported_isas()) {
        SCOPED_TRACE(name(isa));
        const auto got = by_kernel(test, inputs, isa);
        ASSERT_TRUE(got) << "has no kernel";
        ++kernels_seen;
        if (first) {
          ASSERT_TRUE(got->identical(*first)) << "another instruction set gives other bits";
          continue;
        }
        first = got;
        if (got->identical(want)) continue;
        const std::vector<double> distances = distances_from_ties(*op, inputs);
        const std::vector<int64_t> w = to_int64s(want), g = to_int64s(*got);
        for (size_t i = 0; i < w.size(); ++i) {
          if (w[i] == g[i]) continue;
          ASSERT_LE(std::abs(w[i] - g[i]), 1) << "element " << i;
          ASSERT_LE(distances[i], 1e-3) << "element " << i << " is " << g[i] << ", not " << w[i];
        }
      }
    }
  }
  EXPECT_GT(kernels_seen, 100);
}

}  // namespace
}  // namespace pochade

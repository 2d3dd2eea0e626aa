#include "ops/elementwise/unary.h"

namespace pochade {

Result<Facts> infer_unary(std::span<const Fact> in, unsigned types) {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_types(in[0], "the input", types));
  return Facts{Fact(*in[0].dtype, in[0].dims)};
}

Result<Tensors> eval_unary(std::span<const Tensor> in, const UnaryLoops& loops) {
  const DType dtype = in[0].dtype();
  TRY(const Tensor x, in[0].cast(wide_dtype(dtype)));
  TRY(Tensor y, Tensor::make(x.dtype(), x.shape()));
  loops.run(x, y);
  TRY(Tensor out, y.cast(dtype));
  return Tensors{std::move(out)};
}

}  // namespace pochade

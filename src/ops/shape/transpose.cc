#include "ops/shape/transpose.h"

#include <algorithm>

namespace pochade {

std::vector<int64_t> Transpose::permutation(int rank) const {
  std::vector<int64_t> out;
  for (int i = 0; i < rank; ++i)
    out.push_back(perm.empty() ? rank - 1 - i : *normal_axis(perm[static_cast<size_t>(i)], rank));
  return out;
}

Result<Facts> Transpose::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  if (!in[0].rank_known()) {
    if (perm.empty()) return Facts{moved(in[0], std::nullopt)};
    return Facts{moved(in[0], Dims(perm.size()))};
  }
  if (!perm.empty()) {
    if (perm.size() != in[0].dims->size())
      return Error::invalid_model("perm has {} axes, the input {}", perm.size(), in[0].rank());
    TRY(checked_axes(perm, in[0].rank()));
  }
  const auto order = permutation(in[0].rank());
  Dims dims;
  for (const int64_t axis : order) dims.push_back(in[0].dim(static_cast<int>(axis)));
  Fact out = moved(in[0], std::move(dims));
  if (in[0].quantization &&
      in[0].quantization->axis >= 0) {  // a channel keeps its scale wherever its axis goes
    auto quantization = *in[0].quantization;
    quantization.axis =
        static_cast<int>(std::find(order.begin(), order.end(), quantization.axis) - order.begin());
    out.quantization = std::make_shared<const Quantization>(std::move(quantization));
  }
  return Facts{std::move(out)};
}

StridedMove Transpose::move(const Shape& x) const {
  const Shape strides = x.strides();
  StridedMove out;
  for (const int64_t from : permutation(x.rank())) {
    const int axis = static_cast<int>(from);
    out.dims.push_back(x[axis]);
    out.x_strides.push_back(strides[axis]);
  }
  out.y_strides = out.dims.strides();
  return out;
}

Result<Tensors> Transpose::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  move_elements(in[0], out[0], move(in[0].shape()));
  return out;
}

}  // namespace pochade

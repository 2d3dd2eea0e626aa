#include "ops/shape/trilu.h"

#include <cstring>

#include "ops/eval.h"

namespace pochade {

Result<Facts> Trilu::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 2));
  TRY(expect_rank(in[0], "the input", 2, kMaxRank));
  if (in.size() > 1 && in[1].present()) TRY(expect_dtype(in[1], "k", {DType::kI64}));
  return Facts{moved(in[0], in[0].dims)};
}

Result<Tensors> Trilu::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  int64_t k = 0;
  if (in.size() > 1 && in[1].defined()) {
    if (in[1].elements() != 1)
      return Error::invalid_model("k has the shape {}, expected a scalar", in[1].shape());
    k = in[1].data<int64_t>()[0];
  }
  const Shape& shape = in[0].shape();
  const int64_t rows = shape[shape.rank() - 2], columns = shape.back();
  const size_t size = size_of(in[0].dtype());
  for (int64_t i = 0; i < in[0].elements(); ++i) {
    const int64_t row = i / columns % rows, column = i % columns;
    const bool keep = upper ? column - row >= k : column - row <= k;
    if (keep)
      std::memcpy(out[0].mutable_bytes() + static_cast<size_t>(i) * size,
                  in[0].bytes() + static_cast<size_t>(i) * size, size);
  }
  return out;
}

Result<Facts> ReverseSequence::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_rank(in[0], "the input", 2, kMaxRank));
  TRY(expect_rank(in[1], "the lengths", 1, 1));
  TRY(expect_dtype(in[1], "the lengths", {DType::kI64}));
  if (!((batch_axis == 0 && time_axis == 1) || (batch_axis == 1 && time_axis == 0)))
    return Error::invalid_model("batch_axis is {} and time_axis {}, expected 0 and 1", batch_axis, time_axis);
  return Facts{moved(in[0], in[0].dims)};
}

Result<Tensors> ReverseSequence::eval(std::span<const Tensor> in) const {
  TRY(Tensors out, make_outputs(*this, in));
  const Shape& shape = in[0].shape();
  const auto lengths = in[1].data<int64_t>();
  const int64_t times = shape[static_cast<int>(time_axis)], batch = shape[static_cast<int>(batch_axis)];
  if (static_cast<int64_t>(lengths.size()) != batch)
    return Error::invalid_model("{} lengths for a batch of {}", lengths.size(), batch);
  const size_t bytes = static_cast<size_t>(shape.product(2, shape.rank())) * size_of(in[0].dtype());
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = lengths[static_cast<size_t>(b)];
    if (length < 0 || length > times)
      return Error::invalid_argument("a length of {} in {} steps", length, times);
    for (int64_t t = 0; t < times; ++t) {
      const int64_t from = t < length ? length - 1 - t : t;
      const auto place = [&](int64_t time) {
        return static_cast<size_t>(batch_axis == 0 ? b * times + time : time * batch + b) * bytes;
      };
      if (bytes != 0) std::memcpy(out[0].mutable_bytes() + place(t), in[0].bytes() + place(from), bytes);
    }
  }
  return out;
}

}  // namespace pochade

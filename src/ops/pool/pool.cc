#include "ops/pool/pool.h"

namespace pochade {

Result<std::optional<Dims>> pool_dims(const Fact& x, const Window& window, std::span<const int64_t> kernel) {
  TRY(expect_rank(x, "x", 3, 5));
  const int rank = static_cast<int>(kernel.size()) + 2;
  TRY(expect_rank(x, "x", rank, rank));
  TRY(window.check(kernel, rank - 2));
  if (!x.rank_known()) return std::optional<Dims>();
  Dims dims = *x.dims;
  for (size_t i = 0; i < kernel.size(); ++i) {
    TRY(dims[i + 1],
        window.out_dim(i, kernel[i], x.dim(static_cast<int>(i) + 1)).context("spatial axis {}", i));
  }
  return std::optional<Dims>(std::move(dims));
}

Shape pool_shape(const Shape& x, const WindowAxes& axes) {
  Shape y = x;
  for (int i = 1; i + 1 < x.rank(); ++i) y[i] = axes[static_cast<size_t>(4 - x.rank() + i)].out;
  return y;
}

}  // namespace pochade

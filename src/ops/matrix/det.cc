#include "ops/matrix/det.h"

#include <algorithm>
#include <cmath>

namespace pochade {
namespace {

/// Destroys `a` (n x n).
double determinant(double* a, int64_t n) {
  double out = 1;
  for (int64_t column = 0; column < n; ++column) {
    int64_t pivot = column;
    for (int64_t row = column + 1; row < n; ++row)
      if (std::fabs(a[row * n + column]) > std::fabs(a[pivot * n + column])) pivot = row;
    const double head = a[pivot * n + column];
    if (head == 0) return 0;
    if (pivot != column) {
      std::swap_ranges(a + pivot * n, a + (pivot + 1) * n, a + column * n);
      out = -out;
    }
    out *= head;
    for (int64_t row = column + 1; row < n; ++row) {
      const double factor = a[row * n + column] / head;
      for (int64_t i = column; i < n; ++i) a[row * n + i] -= factor * a[column * n + i];
    }
  }
  return out;
}

}  // namespace

Result<Facts> Det::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_rank(in[0], "x", 2, kMaxRank));
  if (!in[0].rank_known()) return Facts{Fact(*in[0].dtype, std::optional<Dims>())};
  const int rank = in[0].rank();
  const Dim &rows = in[0].dim(rank - 2), &columns = in[0].dim(rank - 1);
  if (rows.is_number() && columns.is_number() && rows != columns)
    return Error::invalid_model("the matrices are {}x{}, expected square ones", rows.number(),
                                columns.number());
  return Facts{Fact(*in[0].dtype, Dims(in[0].dims->begin(), in[0].dims->end() - 2))};
}

Result<Tensors> Det::eval(std::span<const Tensor> in) const {
  const Shape& xs = in[0].shape();
  TRY(const Tensor x, in[0].cast(DType::kF64));
  const int64_t n = xs.back();
  TRY(Tensor y, Tensor::make(DType::kF64, Shape(xs.dims().first(static_cast<size_t>(xs.rank()) - 2))));
  std::vector<double> matrix(static_cast<size_t>(n * n));
  for (size_t i = 0; i < y.mutable_data<double>().size(); ++i) {
    std::copy_n(x.data<double>().begin() + static_cast<int64_t>(i * matrix.size()), matrix.size(),
                matrix.begin());
    y.mutable_data<double>()[i] = determinant(matrix.data(), n);
  }
  TRY(Tensor out, y.cast(in[0].dtype()));
  return Tensors{out};
}

}  // namespace pochade

#include "ops/matrix/gemm.h"

namespace pochade {
namespace {

constexpr auto kTypes = {DType::kF32, DType::kF64, DType::kF16, DType::kBF16,
                         DType::kI32, DType::kI64, DType::kU32, DType::kU64};

/// Sums of floats are taken in double; those of integers wrap.
template <typename T>
T product_sum(const T* a, int64_t a_step, const T* b, int64_t b_step, int64_t k) {
  T sum = 0;
  for (int64_t i = 0; i < k; ++i) sum += a[i * a_step] * b[i * b_step];
  return sum;
}

/// f.template operator()<T>(): double for floats, uint64_t for integers.
template <typename F>
auto with_sums(DType dtype, F&& f) {
  if (is_float(dtype)) return f.template operator()<double>();
  return f.template operator()<uint64_t>();
}

}  // namespace

Result<Facts> Gemm::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 3));
  TRY(expect_dtype(in[0], "a", kTypes));
  TRY(expect_dtype(in[1], "b", {*in[0].dtype}));
  TRY(expect_rank(in[0], "a", 2, 2));
  TRY(expect_rank(in[1], "b", 2, 2));
  const auto dim = [](const Fact& fact, bool transposed, int axis) {
    return fact.rank_known() ? fact.dim(transposed ? 1 - axis : axis) : Dim();
  };
  const Dim a_k = dim(in[0], transpose_a, 1), b_k = dim(in[1], transpose_b, 0);
  if (a_k.is_number() && b_k.is_number() && a_k != b_k)
    return Error::invalid_model("a has K = {}, but b has K = {}", a_k.number(), b_k.number());
  Fact y(*in[0].dtype, Dims{dim(in[0], transpose_a, 0), dim(in[1], transpose_b, 1)});
  if (in.size() > 2 && in[2].present()) {
    TRY(expect_dtype(in[2], "c", {*in[0].dtype}));
    TRY(const auto together, broadcast(std::array{y, in[2]}).context("c"));
    if (together) {
      bool larger = together->size() > 2;
      for (size_t i = 0; i < 2 && !larger; ++i)
        larger = (*y.dims)[i].is_number() && (*together)[i].is_number() && (*together)[i] != (*y.dims)[i];
      if (larger)
        return Error::invalid_model("c is {}, which is larger than the product", join(*in[2].dims, "x"));
    }
  }
  return Facts{std::move(y)};
}

Result<Tensors> Gemm::eval(std::span<const Tensor> in) const {
  const Shape &as = in[0].shape(), &bs = in[1].shape();
  const int64_t m = as[transpose_a ? 1 : 0], k = as[transpose_a ? 0 : 1], n = bs[transpose_b ? 0 : 1];
  const int64_t a_row = transpose_a ? 1 : k, a_step = transpose_a ? m : 1;
  const int64_t b_column = transpose_b ? k : 1, b_step = transpose_b ? 1 : n;
  const DType wide = is_float(in[0].dtype()) ? DType::kF64 : DType::kU64;
  TRY(const Tensor at, in[0].cast(wide));
  TRY(const Tensor bt, in[1].cast(wide));
  Tensor ct;
  int64_t c_row = 0, c_column = 0;
  if (in.size() > 2 && in[2].defined()) {
    TRY(ct, in[2].cast(wide));
    const Shape& cs = in[2].shape();
    if (cs.rank() > 0 && cs.back() != 1) c_column = 1;
    if (cs.rank() == 2 && cs[0] != 1) c_row = cs[1];
  }
  TRY(Tensor yt, Tensor::make(wide, Shape{m, n}));
  with_sums(in[0].dtype(), [&]<typename T>() {
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        T value = product_sum(at.data<T>().data() + i * a_row, a_step, bt.data<T>().data() + j * b_column,
                              b_step, k);
        const auto scaled = [](float factor, T x) {
          if (factor == 1) return x;
          if constexpr (std::is_same_v<T, double>) return factor * x;
          return static_cast<T>(static_cast<int64_t>(static_cast<double>(factor) *
                                                     static_cast<double>(static_cast<int64_t>(x))));
        };
        value = scaled(alpha, value);
        if (ct.defined()) value += scaled(beta, ct.data<T>()[static_cast<size_t>(i * c_row + j * c_column)]);
        if constexpr (std::is_same_v<T, double>)
          if (!is_none(act)) value = activate(static_cast<float>(value), act);
        yt.mutable_data<T>()[static_cast<size_t>(i * n + j)] = value;
      }
  });
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

Cost Gemm::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  Cost cost{0, bytes_of(in) + bytes_of(out)};
  const auto as = in[0].shape(), ys = out[0].shape();
  if (as && ys) cost.macs = ys->elements() * (*as)[transpose_a ? 0 : 1];
  return cost;
}

Result<std::optional<Dims>> matmul_dims(const Fact& a, const Fact& b) {
  TRY(expect_rank(a, "a", 1, kMaxRank));
  TRY(expect_rank(b, "b", 1, kMaxRank));
  if (!a.rank_known() || !b.rank_known()) return std::optional<Dims>();
  const Dim &a_k = a.dims->back(), &b_k = b.dim(std::max(0, b.rank() - 2));
  if (a_k.is_number() && b_k.is_number() && a_k != b_k)
    return Error::invalid_model("a has K = {}, but b has K = {}", a_k.number(), b_k.number());
  const auto batch = [](const Fact& fact) {
    return Fact(DType::kF32, fact.rank() < 3 ? Dims() : Dims(fact.dims->begin(), fact.dims->end() - 2));
  };
  TRY(auto dims, broadcast(std::array{batch(a), batch(b)}).context("batches"));
  if (a.rank() > 1) dims->push_back(a.dim(a.rank() - 2));
  if (b.rank() > 1) dims->push_back(b.dims->back());
  return dims;
}

MatMulShape::MatMulShape(const Shape& a, const Shape& b) {
  k = a.back();
  m = a.rank() > 1 ? a[a.rank() - 2] : 1;
  n = b.rank() > 1 ? b.back() : 1;
  const int rank = std::max({a.rank(), b.rank(), 2}) - 2;
  const auto batch_dim = [&](const Shape& shape, int i) {
    const int from = i - rank + shape.rank() - 2;
    return from >= 0 ? shape[from] : 1;
  };
  int64_t a_step = m * k, b_step = k * n;
  batch_dims_ = a_steps_ = b_steps_ = Shape(std::vector<int64_t>(static_cast<size_t>(rank), 0));
  for (int i = rank - 1; i >= 0; --i) {
    const int64_t da = batch_dim(a, i), db = batch_dim(b, i);
    batch_dims_[i] = da == 1 ? db : da;
    a_steps_[i] = da == 1 ? 0 : a_step;  // what has size 1 repeats
    b_steps_[i] = db == 1 ? 0 : b_step;
    a_step *= da;
    b_step *= db;
  }
  y = batch_dims_;
  batches = y.elements();
  if (a.rank() > 1) y.push_back(m);
  if (b.rank() > 1) y.push_back(n);
}

int64_t MatMulShape::offset(const Shape& steps, int64_t batch) const {
  int64_t out = 0;
  for (int i = batch_dims_.rank() - 1; i >= 0; --i) {
    out += batch % batch_dims_[i] * steps[i];
    batch /= batch_dims_[i];
  }
  return out;
}

Result<Facts> MatMul::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 2));
  TRY(expect_dtype(in[0], "a", kTypes));
  TRY(expect_dtype(in[1], "b", {*in[0].dtype}));
  TRY(auto dims, matmul_dims(in[0], in[1]));
  return Facts{Fact(*in[0].dtype, std::move(dims))};
}

Result<Tensors> MatMul::eval(std::span<const Tensor> in) const {
  const MatMulShape shape(in[0].shape(), in[1].shape());
  const DType wide = is_float(in[0].dtype()) ? DType::kF64 : DType::kU64;
  TRY(const Tensor at, in[0].cast(wide));
  TRY(const Tensor bt, in[1].cast(wide));
  TRY(Tensor yt, Tensor::make(wide, shape.y));
  with_sums(in[0].dtype(), [&]<typename T>() {
    T* y = yt.mutable_data<T>().data();
    for (int64_t batch = 0; batch < shape.batches; ++batch) {
      const T* a = at.data<T>().data() + shape.a_offset(batch);
      const T* b = bt.data<T>().data() + shape.b_offset(batch);
      for (int64_t i = 0; i < shape.m; ++i)
        for (int64_t j = 0; j < shape.n; ++j) *y++ = product_sum(a + i * shape.k, 1, b + j, shape.n, shape.k);
    }
  });
  TRY(Tensor out, yt.cast(in[0].dtype()));
  return Tensors{out};
}

Cost MatMul::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  Cost cost{0, bytes_of(in) + bytes_of(out)};
  const auto as = in[0].shape(), ys = out[0].shape();
  if (as && ys) cost.macs = ys->elements() * as->back();
  return cost;
}

}  // namespace pochade

#include "ops/quant/qlinear_matmul.h"

#include "ops/eval.h"
#include "ops/quant/quantize_linear.h"

namespace pochade {
namespace {

const Fact kAbsent;

const Fact& optional(std::span<const Fact> in, size_t i) {
  return i < in.size() ? in[i] : kAbsent;
}

/// Dims of numpy's matmul.
Result<std::optional<Dims>> product_dims(const Fact& a, const Fact& b) {
  if (!a.dims || !b.dims) return std::optional<Dims>();
  TRY(expect_rank(a, "a", 1, kMaxRank));
  TRY(expect_rank(b, "b", 1, kMaxRank));
  const Dim& k_a = a.dims->back();
  const Dim& k_b = b.dim(b.rank() == 1 ? 0 : b.rank() - 2);
  if (k_a.is_number() && k_b.is_number() && k_a != k_b)
    return Error::invalid_model("a has {} columns but b has {} rows", k_a.number(), k_b.number());
  const auto leading = [](const Fact& fact) {
    const int count = std::max(fact.rank() - 2, 0);
    return Fact(DType::kI32, Dims(fact.dims->begin(), fact.dims->begin() + count));
  };
  const Facts batches{leading(a), leading(b)};
  TRY(auto dims, broadcast(batches));
  if (a.rank() > 1) dims->push_back(a.dim(a.rank() - 2));
  if (b.rank() > 1) dims->push_back(b.dims->back());
  return dims;
}

/// The values of a scale or zero point as a tensor that broadcasts against ...,M,N.
Result<Tensor> parameter(const Tensor& values, DType dtype, bool of_rows) {
  TRY(const Tensor wide, values.cast(dtype));
  if (wide.elements() == 1) return wide.reshaped(Shape{1, 1});
  if (wide.rank() == 1) return wide.reshaped(of_rows ? Shape{wide.elements(), 1} : Shape{1, wide.elements()});
  return wide;
}

Status check_parameter(const Fact& values, std::string_view what, const Fact& operand, bool of_rows) {
  const auto shape = values.present() ? values.shape() : std::nullopt;
  const auto x = operand.shape();
  if (!shape || !x || (shape->rank() <= 1 && shape->elements() == 1)) return {};
  Shape expected = *x;
  if (x->rank() < 2) return Error::invalid_model("{} has the shape {}, expected a scalar", what, *shape);
  expected[of_rows ? x->rank() - 1 : x->rank() - 2] = 1;
  const Shape line{(*x)[of_rows ? x->rank() - 2 : x->rank() - 1]};
  if (*shape != line && *shape != expected)
    return Error::invalid_model("{} has the shape {}, expected a scalar, {} or {}", what, *shape, line,
                                expected);
  return {};
}

/// Views of a and b as batched matrices, and the shape of the product with the axes that rank 1 leaves out.
struct Product {
  Tensor a, b;   // int64, rank at least 2
  Shape padded;  // ...,M,N with both M and N
};

Result<Product> prepare(const Tensor& a, const Tensor& b) {
  Product out;
  TRY(out.a, a.cast(DType::kI64));
  TRY(out.b, b.cast(DType::kI64));
  if (a.rank() == 1) out.a = out.a.reshaped(Shape{1, a.elements()});
  if (b.rank() == 1) out.b = out.b.reshaped(Shape{b.elements(), 1});
  TRY(const auto dims, product_dims(Fact(DType::kI64, out.a.shape()), Fact(DType::kI64, out.b.shape())));
  out.padded = *Fact(DType::kI64, dims).shape();
  return out;
}

/// Calls put(position, sum, row strides..) for each element of the product, with zero points subtracted.
template <typename Put>
void multiply(const Product& p, const Tensor& a_zero, const Tensor& b_zero, Put&& put) {
  const int rank = p.padded.rank();
  const int64_t inner = p.a.shape().back();
  const int64_t b_row = p.b.shape().back();
  // Offsets of the first element of a's row and of b's column: the summed axis has stride 0 in the walk.
  Shape a_strides = broadcast_strides(p.a.shape(), p.padded),
        b_strides = broadcast_strides(p.b.shape(), p.padded);
  a_strides[rank - 2] = inner;
  a_strides[rank - 1] = 0;
  b_strides[rank - 2] = 0;
  b_strides[rank - 1] = 1;
  int64_t position = 0;
  walk<4>(p.padded,
          {a_strides, b_strides, broadcast_strides(a_zero.shape(), p.padded),
           broadcast_strides(b_zero.shape(), p.padded)},
          [&](int64_t i, int64_t j, int64_t az, int64_t bz) {
            const int64_t* a = p.a.data<int64_t>().data() + i;
            const int64_t* b = p.b.data<int64_t>().data() + j;
            int64_t sum = 0;
            for (int64_t k = 0; k < inner; ++k)
              sum += (a[k] - a_zero.data<int64_t>()[static_cast<size_t>(az)]) *
                     (b[k * b_row] - b_zero.data<int64_t>()[static_cast<size_t>(bz)]);
            put(position++, sum);
          });
}

/// The product's shape without the axes that operands of rank 1 do not have.
Shape result_shape(const Shape& padded, int a_rank, int b_rank) {
  Shape out;
  for (int i = 0; i < padded.rank(); ++i) {
    if ((i == padded.rank() - 2 && a_rank == 1) || (i == padded.rank() - 1 && b_rank == 1)) continue;
    out.push_back(padded[i]);
  }
  return out;
}

Cost product_cost(const Fact& a, std::span<const Fact> in, std::span<const Fact> out) {
  Cost cost{0, bytes_of(in) + bytes_of(out)};
  const auto y = out[0].shape();
  if (y && a.dims && !a.dims->empty() && a.dims->back().is_number())
    cost.macs = y->elements() * a.dims->back().number();
  return cost;
}

Tensor zero() {
  return Tensor::of<int64_t>({1, 1}, {0});
}

}  // namespace

Result<Facts> MatMulInteger::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 2, 4));
  TRY(expect_dtype(in[0], "a", {DType::kU8, DType::kI8}));
  TRY(expect_dtype(in[1], "b", {DType::kU8, DType::kI8}));
  if (optional(in, 2).present()) TRY(expect_dtype(in[2], "a_zero_point", {*in[0].dtype}));
  if (optional(in, 3).present()) TRY(expect_dtype(in[3], "b_zero_point", {*in[1].dtype}));
  TRY(check_parameter(optional(in, 2), "a_zero_point", in[0], true));
  TRY(check_parameter(optional(in, 3), "b_zero_point", in[1], false));
  TRY(auto dims, product_dims(in[0], in[1]));
  return Facts{Fact(DType::kI32, std::move(dims))};
}

Result<Tensors> MatMulInteger::eval(std::span<const Tensor> in) const {
  TRY(const Product product, prepare(in[0], in[1]));
  Tensor a_zero = zero(), b_zero = zero();
  if (in.size() > 2 && in[2].defined()) {
    TRY(a_zero, parameter(in[2], DType::kI64, true));
  }
  if (in.size() > 3 && in[3].defined()) {
    TRY(b_zero, parameter(in[3], DType::kI64, false));
  }
  TRY(Tensor y, Tensor::make(DType::kI32, result_shape(product.padded, in[0].rank(), in[1].rank())));
  multiply(product, a_zero, b_zero, [&](int64_t i, int64_t sum) {
    y.mutable_data<int32_t>()[static_cast<size_t>(i)] = static_cast<int32_t>(static_cast<uint32_t>(sum));
  });
  return Tensors{y};
}

Cost MatMulInteger::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  return product_cost(in[0], in, out);
}

Result<Facts> QLinearMatMul::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 8, 8));
  TRY(expect_dtype(in[0], "a", {DType::kU8, DType::kI8}));
  TRY(expect_dtype(in[2], "a_zero_point", {*in[0].dtype}));
  TRY(expect_dtype(in[3], "b", {DType::kU8, DType::kI8}));
  TRY(expect_dtype(in[5], "b_zero_point", {*in[3].dtype}));
  TRY(expect_dtype(in[7], "y_zero_point", {DType::kU8, DType::kI8}));
  for (const size_t i : {1, 4, 6})
    TRY(expect_dtype(in[i], "a scale", {DType::kF32, DType::kF16, DType::kBF16}));
  TRY(check_parameter(in[1], "a_scale", in[0], true));
  TRY(check_parameter(in[2], "a_zero_point", in[0], true));
  TRY(check_parameter(in[4], "b_scale", in[3], false));
  TRY(check_parameter(in[5], "b_zero_point", in[3], false));
  TRY(auto dims, product_dims(in[0], in[3]));
  Fact y(*in[7].dtype, std::move(dims));
  TRY(check_parameter(in[6], "y_scale", y, true));
  TRY(check_parameter(in[7], "y_zero_point", y, true));
  return Facts{std::move(y)};
}

Result<Tensors> QLinearMatMul::eval(std::span<const Tensor> in) const {
  TRY(const Product product, prepare(in[0], in[3]));
  TRY(const Tensor a_scale, parameter(in[1], DType::kF32, true));
  TRY(const Tensor a_zero, parameter(in[2], DType::kI64, true));
  TRY(const Tensor b_scale, parameter(in[4], DType::kF32, false));
  TRY(const Tensor b_zero, parameter(in[5], DType::kI64, false));
  TRY(const Tensor y_scale, parameter(in[6], DType::kF32, true));
  TRY(const Tensor y_zero, parameter(in[7], DType::kI64, true));
  TRY(Tensor y, Tensor::make(in[7].dtype(), result_shape(product.padded, in[0].rank(), in[3].rank())));
  std::vector<int64_t> sums(static_cast<size_t>(y.elements()));
  multiply(product, a_zero, b_zero, [&](int64_t i, int64_t sum) { sums[static_cast<size_t>(i)] = sum; });
  const auto strides = [&](const Tensor& t) { return broadcast_strides(t.shape(), product.padded); };
  int64_t position = 0;
  walk<4>(product.padded, {strides(a_scale), strides(b_scale), strides(y_scale), strides(y_zero)},
          [&](int64_t a, int64_t b, int64_t ys, int64_t yz) {
            const float multiplier = a_scale.data<float>()[static_cast<size_t>(a)] *
                                     b_scale.data<float>()[static_cast<size_t>(b)] /
                                     y_scale.data<float>()[static_cast<size_t>(ys)];
            const int64_t value = requantize(sums[static_cast<size_t>(position)], multiplier, rounding) +
                                  y_zero.data<int64_t>()[static_cast<size_t>(yz)];
            y.mutable_bytes()[position++] =
                static_cast<std::byte>(saturate_to(y.dtype(), static_cast<double>(value)));
          });
  return Tensors{y};
}

Cost QLinearMatMul::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  return product_cost(in[0], in, out);
}

}  // namespace pochade

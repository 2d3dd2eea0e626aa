#include "ops/reduce/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace pochade {

Result<std::optional<std::vector<int>>> reduced_axes(const ReduceFields& fields, std::span<const Fact> in) {
  using Axes = std::optional<std::vector<int>>;
  CHECK(in[0].rank_known());
  std::vector<int64_t> axes;
  if (in.size() > 1 && in[1].present()) {
    auto values = constant_ints(in[1]);
    if (!values) return Axes();
    axes = *std::move(values);
  }
  TRY(auto normal, checked_axes(axes, in[0].rank()));
  if (normal.empty() && !fields.noop_with_empty_axes) {
    normal.resize(in[0].dims->size());
    std::iota(normal.begin(), normal.end(), 0);
  }
  std::sort(normal.begin(), normal.end());
  return Axes(std::move(normal));
}

Result<Facts> infer_reduce(ReduceKind kind, const ReduceFields& fields, std::span<const Fact> in) {
  TRY(expect_inputs(in, 1, 2));
  if (*in[0].dtype == DType::kBool && kind != ReduceKind::kMax && kind != ReduceKind::kMin)
    return Error::invalid_model("the input is bool");
  if (in.size() > 1 && in[1].present()) {
    TRY(expect_dtype(in[1], "axes", {DType::kI64, DType::kI32}));
    TRY(expect_rank(in[1], "axes", 0, 1));
  }
  if (!in[0].rank_known()) return Facts{Fact(*in[0].dtype, std::nullopt)};
  TRY(const auto axes, reduced_axes(fields, in));
  if (!axes) {
    const Fact& names = in[1];
    const bool counted = names.rank_known() && names.rank() == 1 && names.dim(0).is_number();
    const int64_t count = counted ? names.dim(0).number() : 0;
    if (!fields.keep_dims && (count == 0 || count > in[0].rank()))
      return Facts{Fact(*in[0].dtype, std::nullopt)};
    if (!fields.keep_dims)
      return Facts{Fact(*in[0].dtype, Dims(in[0].dims->size() - static_cast<size_t>(count)))};
    return Facts{Fact(*in[0].dtype, Dims(in[0].dims->size()))};
  }
  Dims dims;
  for (int axis = 0; axis < in[0].rank(); ++axis) {
    if (!std::binary_search(axes->begin(), axes->end(), axis))
      dims.push_back(in[0].dim(axis));
    else if (fields.keep_dims)
      dims.emplace_back(1);
  }
  return Facts{Fact(*in[0].dtype, std::move(dims))};
}

namespace {

/// One output of a reduction; T is double, int64_t or uint64_t.
template <typename T>
class Reducer {
 public:
  explicit Reducer(ReduceKind kind) : kind_(kind) {
    using Limits = std::numeric_limits<T>;
    const bool real = std::is_floating_point_v<T>;
    if (kind == ReduceKind::kMax) value_ = real ? -Limits::infinity() : Limits::lowest();
    if (kind == ReduceKind::kMin) value_ = real ? Limits::infinity() : Limits::max();
    if (kind == ReduceKind::kProd) value_ = 1;
  }

  /// A first pass that only LogSumExp needs: the largest exponent.
  void see(double x) { largest_ = std::fmax(largest_, x); }

  void add(T x) {
    ++count_;
    switch (kind_) {
      case ReduceKind::kSum:
      case ReduceKind::kMean:
      case ReduceKind::kLogSum:
        value_ = plus(value_, x);
        break;
      case ReduceKind::kMax:
        value_ = value_ > x || value_ != value_ ? value_ : x;
        break;
      case ReduceKind::kMin:
        value_ = value_ < x || value_ != value_ ? value_ : x;
        break;
      case ReduceKind::kProd:
        value_ = times(value_, x);
        break;
      case ReduceKind::kL1:
        value_ = plus(value_, x < T(0) ? minus(x) : x);
        break;
      case ReduceKind::kL2:
      case ReduceKind::kSumSquare:
        value_ = plus(value_, times(x, x));
        break;
      case ReduceKind::kLogSumExp:
        exponentials_ += std::exp(static_cast<double>(x) - shift());
        break;
    }
  }

  T result() const {
    switch (kind_) {
      case ReduceKind::kMean:
        if (std::is_integral_v<T> && count_ == 0) return 0;
        return value_ / static_cast<T>(count_);
      case ReduceKind::kL2:
        return rounded(std::sqrt(static_cast<double>(value_)));
      case ReduceKind::kLogSum:
        return rounded(std::log(static_cast<double>(value_)));
      case ReduceKind::kLogSumExp:
        return rounded(std::log(exponentials_) + shift());
      default:
        return value_;
    }
  }

 private:
  static T plus(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    else
      return a + b;
  }
  static T times(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    else
      return a * b;
  }
  static T minus(T a) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(0 - static_cast<uint64_t>(a));
    else
      return -a;
  }
  static T rounded(double x) {
    if constexpr (std::is_floating_point_v<T>) return x;
    if (!(x > -9e18 && x < 9e18)) return 0;
    return static_cast<T>(static_cast<int64_t>(x));
  }
  double shift() const { return std::isfinite(largest_) ? largest_ : 0; }

  ReduceKind kind_;
  T value_ = 0;
  int64_t count_ = 0;
  double largest_ = -std::numeric_limits<double>::infinity();
  double exponentials_ = 0;
};

template <typename T>
void reduce(ReduceKind kind, const Tensor& x, Tensor& y, const Shape& kept, const Shape& kept_strides,
            const Shape& gone, const Shape& gone_strides) {
  const T* from = x.data<T>().data();
  T* to = y.mutable_data<T>().data();
  walk<1>(kept, {kept_strides}, [&](int64_t base) {
    Reducer<T> reducer(kind);
    if (kind == ReduceKind::kLogSumExp)
      walk<1>(gone, {gone_strides}, [&](int64_t i) { reducer.see(static_cast<double>(from[base + i])); });
    walk<1>(gone, {gone_strides}, [&](int64_t i) { reducer.add(from[base + i]); });
    *to++ = reducer.result();
  });
}

}  // namespace

Result<Tensors> eval_reduce(ReduceKind kind, const ReduceFields& fields, std::span<const Tensor> in,
                            Tensors out) {
  const DType dtype = in[0].dtype();
  const DType wide = is_float(dtype) ? DType::kF64 : is_signed_integer(dtype) ? DType::kI64 : DType::kU64;
  TRY(const auto axes, reduced_axes(fields, facts_of(in)));
  if (!axes) return Error::invalid_model("the axes are not known");
  if (axes->empty() && fields.noop_with_empty_axes) return Tensors{in[0]};
  const Shape& shape = in[0].shape();
  const Shape strides = shape.strides();
  Shape kept, kept_strides, gone, gone_strides;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool goes = std::binary_search(axes->begin(), axes->end(), axis);
    (goes ? gone : kept).push_back(shape[axis]);
    (goes ? gone_strides : kept_strides).push_back(strides[axis]);
  }
  TRY(const Tensor x, in[0].cast(wide));
  TRY(Tensor y, Tensor::make(wide, out[0].shape()));
  if (wide == DType::kF64)
    reduce<double>(kind, x, y, kept, kept_strides, gone, gone_strides);
  else if (wide == DType::kI64)
    reduce<int64_t>(kind, x, y, kept, kept_strides, gone, gone_strides);
  else
    reduce<uint64_t>(kind, x, y, kept, kept_strides, gone, gone_strides);
  if (is_integer(dtype) && gone.elements() == 0 && (kind == ReduceKind::kMax || kind == ReduceKind::kMin)) {
    // The least and greatest of the narrow type, not of the wide one.
    visit(dtype, [&]<typename T>() {
      if constexpr (std::is_integral_v<T>) {
        const T neutral =
            kind == ReduceKind::kMax ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
        for (T& value : out[0].mutable_data<T>()) value = neutral;
      }
    });
    return out;
  }
  TRY(out[0], y.cast(dtype));
  return out;
}

}  // namespace pochade

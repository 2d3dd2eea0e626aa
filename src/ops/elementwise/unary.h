#pragma once
// y = f(x), element by element: y has x's dtype and shape. Each operator is UnaryOp of a small function
// object with its name, its types and, where it has parameters, its fields.

#include <cmath>

#include "ops/elementwise/wide.h"

namespace pochade {

/// How eval_unary() calls the function: only the types that the operator takes are compiled.
class UnaryLoops {
 public:
  virtual ~UnaryLoops() = default;
  virtual void run(const Tensor& x, Tensor& y) const = 0;  ///< both of one wide dtype
};

Result<Facts> infer_unary(std::span<const Fact> in, unsigned types);
Result<Tensors> eval_unary(std::span<const Tensor> in, const UnaryLoops& loops);

template <typename F>
struct UnaryOp final : OpOf<UnaryOp<F>>, F, private UnaryLoops {
  using F::kName;
  Result<Facts> infer(std::span<const Fact> in) const override { return infer_unary(in, F::kTypes); }
  Result<Tensors> eval(std::span<const Tensor> in) const override { return eval_unary(in, *this); }
  bool elementwise() const override { return true; }

 private:
  void run(const Tensor& x, Tensor& y) const override {
    visit_wide<F::kTypes>(x.dtype(), [&]<typename T>() {
      const auto from = x.data<T>();
      const auto to = y.mutable_data<T>();
      for (size_t i = 0; i < from.size(); ++i) to[i] = static_cast<T>(static_cast<const F&>(*this)(from[i]));
    });
  }
};

// Signs and rounding.
// -----------------------------------------------------------------------------------------------

struct AbsFunction {
  static constexpr std::string_view kName = "Abs";
  static constexpr unsigned kTypes = kNumberTypes;
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) return std::fabs(x);
    if constexpr (std::is_same_v<T, int64_t>) return x < 0 ? static_cast<T>(0 - static_cast<uint64_t>(x)) : x;
    return x;
  }
};
using Abs = UnaryOp<AbsFunction>;

struct NegFunction {
  static constexpr std::string_view kName = "Neg";
  static constexpr unsigned kTypes = kSignedNumberTypes;
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_same_v<T, int64_t>)
      return static_cast<T>(0 - static_cast<uint64_t>(x));
    else
      return -x;
  }
};
using Neg = UnaryOp<NegFunction>;

/// -1, 0 or 1; NaN stays NaN.
struct SignFunction {
  static constexpr std::string_view kName = "Sign";
  static constexpr unsigned kTypes = kNumberTypes;
  template <typename T>
  T operator()(T x) const {
    if (x > T(0)) return T(1);
    if constexpr (!std::is_unsigned_v<T>)
      if (x < T(0)) return T(-1);
    return x == T(0) ? T(0) : x;
  }
};
using Sign = UnaryOp<SignFunction>;

/// A function of float and double alone.
struct FloatFunction {
  static constexpr unsigned kTypes = kFloatTypes;
};

struct FloorFunction : FloatFunction {
  static constexpr std::string_view kName = "Floor";
  auto operator()(auto x) const { return std::floor(x); }
};
using Floor = UnaryOp<FloorFunction>;

struct CeilFunction : FloatFunction {
  static constexpr std::string_view kName = "Ceil";
  auto operator()(auto x) const { return std::ceil(x); }
};
using Ceil = UnaryOp<CeilFunction>;

/// To the nearest integer, halves to the even one (whatever the rounding mode of the caller).
struct RoundFunction : FloatFunction {
  static constexpr std::string_view kName = "Round";
  template <typename T>
  T operator()(T x) const {
    const T down = std::floor(x);
    const T rest = x - down;
    if (rest < T(0.5)) return std::copysign(down, x);
    if (rest > T(0.5)) return std::copysign(down + 1, x);
    return std::copysign(std::fmod(down, T(2)) == T(0) ? down : down + 1, x);
  }
};
using Round = UnaryOp<RoundFunction>;

// Powers and logarithms.
// --------------------------------------------------------------------------------------------

struct SqrtFunction : FloatFunction {
  static constexpr std::string_view kName = "Sqrt";
  auto operator()(auto x) const { return std::sqrt(x); }
};
using Sqrt = UnaryOp<SqrtFunction>;

struct ReciprocalFunction : FloatFunction {
  static constexpr std::string_view kName = "Reciprocal";
  template <typename T>
  T operator()(T x) const {
    return T(1) / x;
  }
};
using Reciprocal = UnaryOp<ReciprocalFunction>;

struct ExpFunction : FloatFunction {
  static constexpr std::string_view kName = "Exp";
  auto operator()(auto x) const { return std::exp(x); }
};
using Exp = UnaryOp<ExpFunction>;

struct LogFunction : FloatFunction {
  static constexpr std::string_view kName = "Log";
  auto operator()(auto x) const { return std::log(x); }
};
using Log = UnaryOp<LogFunction>;

struct ErfFunction : FloatFunction {
  static constexpr std::string_view kName = "Erf";
  auto operator()(auto x) const { return std::erf(x); }
};
using Erf = UnaryOp<ErfFunction>;

// Trigonometry.
// -----------------------------------------------------------------------------------------------------

struct SinFunction : FloatFunction {
  static constexpr std::string_view kName = "Sin";
  auto operator()(auto x) const { return std::sin(x); }
};
using Sin = UnaryOp<SinFunction>;

struct CosFunction : FloatFunction {
  static constexpr std::string_view kName = "Cos";
  auto operator()(auto x) const { return std::cos(x); }
};
using Cos = UnaryOp<CosFunction>;

struct TanFunction : FloatFunction {
  static constexpr std::string_view kName = "Tan";
  auto operator()(auto x) const { return std::tan(x); }
};
using Tan = UnaryOp<TanFunction>;

struct AsinFunction : FloatFunction {
  static constexpr std::string_view kName = "Asin";
  auto operator()(auto x) const { return std::asin(x); }
};
using Asin = UnaryOp<AsinFunction>;

struct AcosFunction : FloatFunction {
  static constexpr std::string_view kName = "Acos";
  auto operator()(auto x) const { return std::acos(x); }
};
using Acos = UnaryOp<AcosFunction>;

struct AtanFunction : FloatFunction {
  static constexpr std::string_view kName = "Atan";
  auto operator()(auto x) const { return std::atan(x); }
};
using Atan = UnaryOp<AtanFunction>;

struct SinhFunction : FloatFunction {
  static constexpr std::string_view kName = "Sinh";
  auto operator()(auto x) const { return std::sinh(x); }
};
using Sinh = UnaryOp<SinhFunction>;

struct CoshFunction : FloatFunction {
  static constexpr std::string_view kName = "Cosh";
  auto operator()(auto x) const { return std::cosh(x); }
};
using Cosh = UnaryOp<CoshFunction>;

struct AsinhFunction : FloatFunction {
  static constexpr std::string_view kName = "Asinh";
  auto operator()(auto x) const { return std::asinh(x); }
};
using Asinh = UnaryOp<AsinhFunction>;

struct AcoshFunction : FloatFunction {
  static constexpr std::string_view kName = "Acosh";
  auto operator()(auto x) const { return std::acosh(x); }
};
using Acosh = UnaryOp<AcoshFunction>;

struct AtanhFunction : FloatFunction {
  static constexpr std::string_view kName = "Atanh";
  auto operator()(auto x) const { return std::atanh(x); }
};
using Atanh = UnaryOp<AtanhFunction>;

// Bits.
// -------------------------------------------------------------------------------------------------------------

struct NotFunction {
  static constexpr std::string_view kName = "Not";
  static constexpr unsigned kTypes = kBoolType;
  uint64_t operator()(uint64_t x) const { return x == 0; }
};
using Not = UnaryOp<NotFunction>;

struct BitwiseNotFunction {
  static constexpr std::string_view kName = "BitwiseNot";
  static constexpr unsigned kTypes = kIntegerTypes;
  auto operator()(auto x) const { return ~x; }
};
using BitwiseNot = UnaryOp<BitwiseNotFunction>;

}  // namespace pochade

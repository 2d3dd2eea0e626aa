#pragma once
// y = f(a, b), element by element; a and b broadcast to a common shape by numpy's rules and have the same
// dtype.

#include <cmath>

#include "ops/elementwise/wide.h"

namespace pochade {

class BinaryLoops {
 public:
  virtual ~BinaryLoops() = default;
  /// Reads a and b, of one wide dtype, by these strides over `shape`; y is dense, of the wide dtype of the
  /// result.
  virtual void run(const Tensor& a, const Shape& a_strides, const Tensor& b, const Shape& b_strides,
                   Tensor& y) const = 0;
};

Result<Facts> infer_binary(std::span<const Fact> in, unsigned types, bool gives_bool);
Result<Tensors> eval_binary(std::span<const Tensor> in, const BinaryLoops& loops, bool gives_bool);

/// F has kName, kTypes, `T operator()(T a, T b)` or, for a comparison, `bool operator()(T a, T b)` and
/// kGivesBool.
template <typename F>
struct BinaryOp final : OpOf<BinaryOp<F>>, F, private BinaryLoops {
  using F::kName;
  Result<Facts> infer(std::span<const Fact> in) const override {
    if constexpr (requires(const F& f) { f.check(*in[0].dtype); }) {
      TRY(infer_binary(in, F::kTypes, F::kGivesBool));
      TRY(this->check(*in[0].dtype));
    }
    return infer_binary(in, F::kTypes, F::kGivesBool);
  }
  Result<Tensors> eval(std::span<const Tensor> in) const override {
    return eval_binary(in, *this, F::kGivesBool);
  }
  bool elementwise() const override { return true; }

 private:
  void run(const Tensor& a, const Shape& a_strides, const Tensor& b, const Shape& b_strides,
           Tensor& y) const override {
    visit_wide<F::kTypes>(a.dtype(), [&]<typename T>() {
      using Y = std::conditional_t<F::kGivesBool, bool, T>;
      const T* from_a = a.data<T>().data();
      const T* from_b = b.data<T>().data();
      Y* to = y.mutable_data<Y>().data();
      walk<2>(y.shape(), {a_strides, b_strides}, [&](int64_t i, int64_t j) {
        *to++ = static_cast<Y>(static_cast<const F&>(*this)(from_a[i], from_b[j]));
      });
    });
  }
};

struct Arithmetic {
  static constexpr unsigned kTypes = kNumberTypes;
  static constexpr bool kGivesBool = false;
};

// Arithmetic. Integers wrap.
// -----------------------------------------------------------------------------------------

struct AddFunction : Arithmetic {
  static constexpr std::string_view kName = "Add";
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    else
      return a + b;
  }
};
using Add = BinaryOp<AddFunction>;

struct SubFunction : Arithmetic {
  static constexpr std::string_view kName = "Sub";
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
    else
      return a - b;
  }
};
using Sub = BinaryOp<SubFunction>;

struct MulFunction : Arithmetic {
  static constexpr std::string_view kName = "Mul";
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    else
      return a * b;
  }
};
using Mul = BinaryOp<MulFunction>;

/// Integers divide towards zero; by zero gives 0.
struct DivFunction : Arithmetic {
  static constexpr std::string_view kName = "Div";
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return a / b;
    else if (b == 0)
      return 0;
    else if constexpr (std::is_signed_v<T>)
      return b == -1 ? static_cast<T>(0 - static_cast<uint64_t>(a)) : a / b;
    else
      return a / b;
  }
};
using Div = BinaryOp<DivFunction>;

/// The remainder of integers has the divisor's sign, as in Python; with fmod the dividend's, as in C. By
/// zero: 0 for integers.
struct ModFunction : Arithmetic {
  static constexpr std::string_view kName = "Mod";
  bool fmod = false;
  static void fields(auto& self, auto&& f) { f("fmod", self.fmod); }
  Status check(DType dtype) const {
    if (is_float(dtype) && !fmod) return Error::invalid_model("{} operands need fmod = 1", to_string(dtype));
    return {};
  }
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      if (b == 0) return 0;
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return 0;
        const T rest = a % b;
        return !fmod && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
      } else {
        return a % b;
      }
    }
  }
};
using Mod = BinaryOp<ModFunction>;

/// a < 0 ? a * b : a
struct PReluFunction : Arithmetic {
  static constexpr std::string_view kName = "PRelu";
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (!std::is_unsigned_v<T>)
      if (a < T(0)) return MulFunction()(a, b);
    return a;
  }
};
using PRelu = BinaryOp<PReluFunction>;

// Bits.
// --------------------------------------------------------------------------------------------------------------

/// Zeroes come in; a shift by the width or more gives 0.
struct BitShiftFunction {
  static constexpr std::string_view kName = "BitShift";
  static constexpr unsigned kTypes = kUnsignedTypes;
  static constexpr bool kGivesBool = false;
  bool left = true;
  static void fields(auto& self, auto&& f) { f("left", self.left); }
  uint64_t operator()(uint64_t a, uint64_t b) const {
    if (b >= 64) return 0;
    return left ? a << b : a >> b;  // narrower types lose their upper bits on the way out
  }
};
using BitShift = BinaryOp<BitShiftFunction>;

struct Bitwise {
  static constexpr unsigned kTypes = kIntegerTypes;
  static constexpr bool kGivesBool = false;
};

struct BitwiseAndFunction : Bitwise {
  static constexpr std::string_view kName = "BitwiseAnd";
  auto operator()(auto a, auto b) const { return a & b; }
};
using BitwiseAnd = BinaryOp<BitwiseAndFunction>;

struct BitwiseOrFunction : Bitwise {
  static constexpr std::string_view kName = "BitwiseOr";
  auto operator()(auto a, auto b) const { return a | b; }
};
using BitwiseOr = BinaryOp<BitwiseOrFunction>;

struct BitwiseXorFunction : Bitwise {
  static constexpr std::string_view kName = "BitwiseXor";
  auto operator()(auto a, auto b) const { return a ^ b; }
};
using BitwiseXor = BinaryOp<BitwiseXorFunction>;

// Logic.
// -------------------------------------------------------------------------------------------------------------

struct Logic {
  static constexpr unsigned kTypes = kBoolType;
  static constexpr bool kGivesBool = true;
};

struct AndFunction : Logic {
  static constexpr std::string_view kName = "And";
  bool operator()(uint64_t a, uint64_t b) const { return a != 0 && b != 0; }
};
using And = BinaryOp<AndFunction>;

struct OrFunction : Logic {
  static constexpr std::string_view kName = "Or";
  bool operator()(uint64_t a, uint64_t b) const { return a != 0 || b != 0; }
};
using Or = BinaryOp<OrFunction>;

struct XorFunction : Logic {
  static constexpr std::string_view kName = "Xor";
  bool operator()(uint64_t a, uint64_t b) const { return (a != 0) != (b != 0); }
};
using Xor = BinaryOp<XorFunction>;

// Comparisons.
// -------------------------------------------------------------------------------------------------------

struct Comparison {
  static constexpr unsigned kTypes = kNumberTypes;
  static constexpr bool kGivesBool = true;
};

struct EqualFunction {
  static constexpr std::string_view kName = "Equal";
  static constexpr unsigned kTypes = kAllTypes;
  static constexpr bool kGivesBool = true;
  bool operator()(auto a, auto b) const { return a == b; }
};
using Equal = BinaryOp<EqualFunction>;

struct GreaterFunction : Comparison {
  static constexpr std::string_view kName = "Greater";
  bool operator()(auto a, auto b) const { return a > b; }
};
using Greater = BinaryOp<GreaterFunction>;

struct GreaterOrEqualFunction : Comparison {
  static constexpr std::string_view kName = "GreaterOrEqual";
  bool operator()(auto a, auto b) const { return a >= b; }
};
using GreaterOrEqual = BinaryOp<GreaterOrEqualFunction>;

struct LessFunction : Comparison {
  static constexpr std::string_view kName = "Less";
  bool operator()(auto a, auto b) const { return a < b; }
};
using Less = BinaryOp<LessFunction>;

struct LessOrEqualFunction : Comparison {
  static constexpr std::string_view kName = "LessOrEqual";
  bool operator()(auto a, auto b) const { return a <= b; }
};
using LessOrEqual = BinaryOp<LessOrEqualFunction>;

// Mixed types.
// -------------------------------------------------------------------------------------------------------

/// a to the power of b; b may have another number type; the result has a's.
struct Pow final : OpOf<Pow> {
  static constexpr std::string_view kName = "Pow";
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  bool elementwise() const override { return true; }
};

}  // namespace pochade

#pragma once
// Op: what one node computes. Immutable; one struct an operator with typed fields.

#include <memory>
#include <span>
#include <string_view>

#include "graph/fact.h"

namespace pochade {

/// What an operator costs: multiply-accumulates, and bytes read and written.
struct Cost {
  int64_t macs = 0;
  int64_t bytes = 0;
};

/// Receives each attribute of an operator once; dump, equality, hash and files come from it.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void integer(std::string_view name, int64_t value) = 0;
  virtual void number(std::string_view name, double value) = 0;
  virtual void text(std::string_view name, std::string_view value) = 0;
  virtual void integers(std::string_view name, std::span<const int64_t> values) = 0;
  virtual void numbers(std::string_view name, std::span<const float> values) = 0;
  virtual void tensor(std::string_view name, const Tensor& value) = 0;
  virtual void op(std::string_view name, const class Op& value) = 0;

  /// f("axis", axis): chooses by type. Enums need to_string; a struct of fields has fields(self, f) itself.
  template <typename T>
  void operator()(std::string_view name, const T& value) {
    if constexpr (std::is_integral_v<T>)
      integer(name, static_cast<int64_t>(value));
    else if constexpr (std::is_floating_point_v<T>)
      number(name, static_cast<double>(value));
    else if constexpr (std::is_enum_v<T>)
      text(name, to_string(value));
    else if constexpr (std::is_convertible_v<T, std::string_view>)
      text(name, value);
    else if constexpr (std::is_convertible_v<const T&, std::span<const int64_t>>)
      integers(name, value);
    else if constexpr (std::is_convertible_v<const T&, std::span<const float>>)
      numbers(name, value);
    else if constexpr (std::is_same_v<T, Tensor>)
      tensor(name, value);
    else if constexpr (requires { T::fields(value, *this); })
      T::fields(value, *this);
    else
      visit_fields_of(value, *this);  // a struct of another folder: found by its namespace
  }
};

class Op {
 public:
  virtual ~Op() = default;
  /// ONNX's name, or one of ours in the same style.
  virtual std::string_view name() const = 0;
  /// Facts of the outputs. Absent optional inputs are Facts that are not present().
  virtual Result<Facts> infer(std::span<const Fact> in) const = 0;
  /// The oracle: clear scalar code. Inputs have passed infer(); shapes are concrete.
  virtual Result<Tensors> eval(std::span<const Tensor> in) const = 0;
  /// Without an override: no multiplications; every input and output touched once.
  virtual Cost cost(std::span<const Fact> in, std::span<const Fact> out) const;
  virtual void visit_fields(FieldVisitor& visitor) const = 0;
  /// False for random generators: never folded, never merged with an equal node.
  virtual bool deterministic() const { return true; }
  /// The output is the input's elements under another shape: it needs no work, and may share memory.
  virtual bool only_reshapes() const { return false; }
  /// Each element of the outputs comes from the elements at its place in the inputs, broadcast by numpy's
  /// rules.
  virtual bool elementwise() const { return false; }

  bool equals(const Op& other) const;
  uint64_t hash() const;
  /// "kernel=3x3 strides=2x2"
  std::string fields_text() const;
};
using OpPtr = std::shared_ptr<const Op>;

/// Base of operator D, which has `kName` and `static void fields(auto& self, auto&& f)`, or no attributes at
/// all.
template <typename D>
struct OpOf : Op {
  std::string_view name() const final { return D::kName; }
  void visit_fields(FieldVisitor& visitor) const final {
    if constexpr (requires(const D& d) { D::fields(d, visitor); })
      D::fields(static_cast<const D&>(*this), visitor);
  }
};

template <typename D>
OpPtr make_op(D op) {
  return std::make_shared<const D>(std::move(op));
}
/// make_op<Conv>([&](Conv& conv) { conv.groups = 4; })
template <typename D, typename F>
  requires std::is_invocable_v<F, D&>
OpPtr make_op(F&& set_fields) {
  D op;
  set_fields(op);
  return make_op(std::move(op));
}
template <typename D>
const D* op_as(const Op& op) {
  return dynamic_cast<const D*>(&op);
}

/// Sum of the bytes of facts with concrete shapes.
int64_t bytes_of(std::span<const Fact> facts);

}  // namespace pochade

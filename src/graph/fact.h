#pragma once
// Fact: what is known of a value before running.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace pochade {

/// One size: a number, a name (N, H, W), or unknown; a count that the data decides has an upper bound if one
/// is known.
class Dim {
 public:
  Dim() = default;                          ///< unknown
  Dim(int64_t number) : number_(number) {}  // NOLINT: implicit by design
  static Dim named(std::string name) {
    Dim out;
    out.name_ = std::move(name);
    return out;
  }
  /// Depends on the data, at most `bound`.
  static Dim at_most(int64_t bound) {
    Dim out;
    out.bound_ = bound;
    return out;
  }

  bool is_number() const { return number_ >= 0; }
  bool is_named() const { return !name_.empty(); }
  int64_t number() const {
    CHECK(is_number());
    return number_;
  }
  const std::string& name() const { return name_; }
  /// The upper bound of a count that the data decides, or -1.
  int64_t bound() const { return bound_; }
  bool is(int64_t number) const { return number_ == number; }
  bool operator==(const Dim&) const = default;

 private:
  int64_t number_ = -1;
  int64_t bound_ = -1;
  std::string name_;
};
std::string to_string(const Dim& dim);

using Dims = std::vector<Dim>;

/// dtype, shape, quantization and, if constant, the tensor. A default Fact stands for an absent optional
/// input or output.
struct Fact {
  std::optional<DType> dtype;  ///< empty: absent
  std::optional<Dims> dims;    ///< empty: not even the rank is known
  std::shared_ptr<const Quantization> quantization;
  Tensor constant;

  Fact() = default;
  Fact(DType type, std::optional<Dims> sizes) : dtype(type), dims(std::move(sizes)) {}
  Fact(DType type, const Shape& shape) : dtype(type), dims(Dims(shape.begin(), shape.end())) {}
  explicit Fact(Tensor tensor) : Fact(tensor.dtype(), tensor.shape()) { constant = std::move(tensor); }

  bool present() const { return dtype.has_value(); }
  bool is_constant() const { return constant.defined(); }
  bool rank_known() const { return dims.has_value(); }
  int rank() const {
    CHECK(dims.has_value());
    return static_cast<int>(dims->size());
  }
  const Dim& dim(int axis) const {
    CHECK(axis >= 0 && axis < rank());
    return (*dims)[static_cast<size_t>(axis)];
  }
  /// The shape if every dim is a number.
  std::optional<Shape> shape() const;
};
/// "float32 1x3xHxW", with "= constant" when it is one.
std::string to_string(const Fact& fact);
bool operator==(const Fact& a, const Fact& b);

/// Whether `known` says nothing that contradicts `fact`, and at least as much: what a Rewrite may put in its
/// place.
bool refines(const Fact& known, const Fact& fact);

using Facts = std::vector<Fact>;

// Helpers of Op::infer: each error names what was expected.
Status expect_inputs(std::span<const Fact> in, size_t least, size_t most);
Status expect_dtype(const Fact& fact, std::string_view what, std::initializer_list<DType> allowed);
Status expect_rank(const Fact& fact, std::string_view what, int least, int most);
/// Integers of a constant input; empty if it is not constant (yet).
std::optional<std::vector<int64_t>> constant_ints(const Fact& fact);
/// Numpy-style broadcast of known and unknown dims.
Result<std::optional<Dims>> broadcast(std::span<const Fact> facts);
Result<Shape> broadcast_shapes(std::span<const Shape> shapes);
/// A dim from arithmetic on numbers; unknown if any is not a number.
template <typename F>
Dim derive(const Dim& dim, F&& f) {
  return dim.is_number() ? Dim(f(dim.number())) : Dim();
}

}  // namespace pochade

#pragma once
// Concrete sizes of a tensor, outermost first.

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "base/check.h"
#include "base/checked.h"
#include "base/format.h"

namespace pochade {

/// Importers refuse more dimensions than this.
constexpr int kMaxRank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims) : rank_(static_cast<int>(dims.size())) {
    CHECK(dims.size() <= kMaxRank);
    std::copy(dims.begin(), dims.end(), dims_.begin());
  }

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return dims_[check(axis)]; }
  int64_t& operator[](int axis) { return dims_[check(axis)]; }
  int64_t back() const { return (*this)[rank_ - 1]; }
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_)}; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  void push_back(int64_t dim) {
    CHECK(rank_ < kMaxRank);
    dims_[static_cast<size_t>(rank_++)] = dim;
  }

  /// Number of elements. The product was checked when the tensor or the Fact was made.
  int64_t elements() const { return product(0, rank_); }
  /// Product of dims [begin, end).
  int64_t product(int begin, int end) const {
    int64_t out = 1;
    for (int i = begin; i < end; ++i) out *= dims_[static_cast<size_t>(i)];
    return out;
  }
  /// Empty if a dim is negative or the product overflows.
  std::optional<int64_t> checked_elements() const {
    for (const int64_t dim : dims())
      if (dim < 0) return std::nullopt;
    return std::find(begin(), end(), 0) != end() ? 0 : checked_product(dims());
  }
  /// Elements between neighbours along each axis of a dense tensor.
  Shape strides() const {
    Shape out = *this;
    int64_t step = 1;
    for (int i = rank_ - 1; i >= 0; --i) {
      out[i] = step;
      step *= dims_[static_cast<size_t>(i)];
    }
    return out;
  }

  bool operator==(const Shape& other) const { return std::ranges::equal(dims(), other.dims()); }

 private:
  size_t check(int axis) const {
    CHECK(axis >= 0 && axis < rank_);
    return static_cast<size_t>(axis);
  }
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// "1x3x720x720"; "scalar" for rank 0.
inline std::string to_string(const Shape& shape) {
  return shape.rank() == 0 ? "scalar" : join(shape.dims(), "x");
}

/// axis in [-rank, rank) -> [0, rank); empty if outside.
inline std::optional<int> normal_axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) return std::nullopt;
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace pochade

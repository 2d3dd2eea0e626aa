#pragma once
// Orders of axes, as Transpose has them: y = transpose(x, p) has dims y[i] = x[p[i]].

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace pochade {

using Permutation = std::vector<int>;

inline Permutation identity_permutation(int rank) {
  Permutation out(static_cast<size_t>(rank));
  for (int i = 0; i < rank; ++i) out[static_cast<size_t>(i)] = i;
  return out;
}

inline bool is_identity(const Permutation& p) {
  for (size_t i = 0; i < p.size(); ++i)
    if (p[i] != static_cast<int>(i)) return false;
  return true;
}

inline bool is_permutation(const Permutation& p) {
  std::vector<bool> seen(p.size(), false);
  for (const int axis : p) {
    if (axis < 0 || axis >= static_cast<int>(p.size()) || seen[static_cast<size_t>(axis)]) return false;
    seen[static_cast<size_t>(axis)] = true;
  }
  return true;
}

/// transpose(transpose(x, first), second) = transpose(x, compose(first, second))
inline Permutation compose(const Permutation& first, const Permutation& second) {
  CHECK(first.size() == second.size());
  Permutation out(second.size());
  for (size_t i = 0; i < second.size(); ++i) out[i] = first[static_cast<size_t>(second[i])];
  return out;
}

inline Permutation inverse(const Permutation& p) {
  Permutation out(p.size());
  for (size_t i = 0; i < p.size(); ++i) out[static_cast<size_t>(p[i])] = static_cast<int>(i);
  return out;
}

/// items[p[0]], items[p[1]], ...: what a Transpose does to dims.
template <typename T>
std::vector<T> permuted(const std::vector<T>& items, const Permutation& p) {
  CHECK(items.size() == p.size());
  std::vector<T> out;
  out.reserve(p.size());
  for (const int axis : p) out.push_back(items[static_cast<size_t>(axis)]);
  return out;
}

}  // namespace pochade

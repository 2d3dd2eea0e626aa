#include "passes/match.h"

#include <algorithm>

namespace pochade {

bool same_type_and_shape(const Fact& a, const Fact& b) {
  if (!a.present() || !b.present() || a.dtype != b.dtype || !a.dims || !b.dims) return false;
  if (a.dims->size() != b.dims->size()) return false;
  // Two unknown dims are equal as descriptions only, not as sizes.
  for (size_t i = 0; i < a.dims->size(); ++i) {
    const Dim& dim = (*a.dims)[i];
    if (!(dim.is_number() || dim.is_named()) || dim != (*b.dims)[i]) return false;
  }
  return true;
}

std::optional<std::vector<double>> channel_values(const Tensor& tensor, int rank, int64_t channels) {
  if (!tensor.defined() || tensor.dtype() != DType::kF32 || tensor.rank() > rank) return std::nullopt;
  const bool one = tensor.elements() == 1;
  if (!one && (tensor.rank() == 0 || tensor.shape().back() != channels || tensor.elements() != channels))
    return std::nullopt;
  std::vector<double> out;
  for (int64_t c = 0; c < channels; ++c)
    out.push_back(static_cast<double>(tensor.data<float>()[one ? 0 : static_cast<size_t>(c)]));
  return out;
}

bool all_elements_are(const Tensor& tensor, double number) {
  if (!tensor.defined()) return false;
  return visit(tensor.dtype(), [&]<typename T>() {
    const auto values = tensor.data<T>();
    return std::all_of(values.begin(), values.end(), [&](T v) { return static_cast<double>(v) == number; });
  });
}

}  // namespace pochade

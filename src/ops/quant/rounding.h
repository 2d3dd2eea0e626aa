#pragma once
// How real numbers become integers.

#include <cstdint>
#include <string_view>

namespace pochade {

/// Two families of models round differently; an operator keeps the rounding of the file that it came from.
enum class Rounding {
  kOnnx,  ///< halves to even; requantization multiplies in float
  /// Halves away from zero; requantization by a 31-bit fixed-point multiplier (Jacob et al. 2017,
  /// arXiv:1712.05877, 2.2).
  kTflite,
};
std::string_view to_string(Rounding rounding);

/// The nearest integer, as a double. NaN stays NaN.
double round_value(double value, Rounding rounding);

/// round(accumulator * multiplier). `multiplier` is input scale * weight scale / output scale.
int64_t requantize(int64_t accumulator, float multiplier, Rounding rounding);

}  // namespace pochade

#pragma once
// Every setting that is read from the environment, in one list (`pochade knobs` prints it).

#include <span>
#include <string>
#include <string_view>

namespace pochade {

struct Knob {
  std::string_view name;     ///< the environment variable
  std::string_view values;   ///< what it takes
  std::string_view normal;   ///< what holds without it
  std::string_view meaning;  ///< one sentence
};

std::span<const Knob> knobs();

/// The value in the environment, or empty. `name` must be in knobs().
std::string knob(std::string_view name);

}  // namespace pochade

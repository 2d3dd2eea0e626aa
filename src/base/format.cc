#include "base/format.h"

namespace pochade {

std::string format_list(std::string_view pattern, std::span<const FormatArgument> arguments) {
  std::string out;
  for (const FormatArgument& argument : arguments) {
    const size_t hole = pattern.find("{}");
    if (hole == std::string_view::npos) break;
    out += pattern.substr(0, hole);
    argument.append(out, argument.value);
    pattern.remove_prefix(hole + 2);
  }
  out += pattern;
  return out;
}

}  // namespace pochade

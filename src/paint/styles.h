#pragma once
// The styles that come with the program.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pochade {

struct Style {
  std::string name;             ///< first_style
  std::filesystem::path model;  ///< .../first_style.onnx, its card beside it
};

/// What `paint` uses when neither a model nor a style is named.
constexpr std::string_view kDefaultStyle = "first_style";

/// All styles, sorted by name: those of ../share/pochade/styles beside the folder of the running program,
/// then those of the source tree that it was built from. A name counts once, where it is found first.
std::vector<Style> list_styles();
/// The same of given folders.
std::vector<Style> list_styles(const std::vector<std::filesystem::path>& folders);

/// The style of this name. Error: there is none; it names those that there are.
Result<Style> find_style(std::string_view name);

}  // namespace pochade

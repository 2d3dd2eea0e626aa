#include "paint/styles.h"

#include <algorithm>
#include <system_error>

namespace pochade {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> style_folders() {
  std::vector<fs::path> out;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    out.push_back(program.parent_path().parent_path() / "share" / "pochade" / "styles");
    out.push_back(program.parent_path() / "styles");  // copied to a board together
  }
  out.emplace_back(POCHADE_SOURCE_STYLES);
  return out;
}

}  // namespace

std::vector<Style> list_styles(const std::vector<fs::path>& folders) {
  std::vector<Style> out;
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      const fs::path& path = entry->path();
      const bool known = std::ranges::find(out, path.stem().string(), &Style::name) != out.end();
      if (path.extension() == ".onnx" && !known) out.push_back({path.stem().string(), path});
    }
  }
  std::ranges::sort(out, {}, &Style::name);
  return out;
}

std::vector<Style> list_styles() {
  return list_styles(style_folders());
}

Result<Style> find_style(std::string_view name) {
  const auto styles = list_styles();
  const auto found = std::ranges::find(styles, name, &Style::name);
  if (found != styles.end()) return *found;
  if (styles.empty()) return Error::not_found("no style \"{}\": no styles are installed", name);
  std::vector<std::string> names;
  for (const Style& style : styles) names.push_back(style.name);
  return Error::not_found("no style \"{}\": there are {}", name, join(names));
}

}  // namespace pochade

#include "cli/task_output.h"

#include <set>

#include "cli/common.h"
#include "media/encode.h"

namespace pochade {

namespace fs = std::filesystem;

PictureOutput::PictureOutput(const std::string& output, const std::vector<std::string>& files, bool force,
                             bool json)
    : output_(output) {
  if (!wanted()) return;
  if (output == "-") {
    if (files.size() > 1) fail_usage("several pictures cannot go to standard output", "Name a folder.");
    if (json) fail_usage("-o - and --json cannot both have standard output");
    return;
  }
  std::error_code ignored;
  is_folder_ = files.size() > 1 || output.ends_with('/') || fs::is_directory(output_, ignored);
  if (is_folder_ && fs::exists(output_, ignored) && !fs::is_directory(output_, ignored))
    fail_usage(format("-o {} is a file, but there are {} pictures", output, files.size()), "Name a folder.");
  if (!is_folder_) value_or_fail(output_format(output_.extension().string()));
  std::set<fs::path> places;
  for (const std::string& file : files) {
    const fs::path place = place_of(file);
    if (!places.insert(place).second) fail_usage(format("two pictures would be {}", place));
    if (fs::equivalent(place, file, ignored)) fail_usage(format("{} would be written over itself", file));
    if (!force && fs::exists(place, ignored))
      fail_usage(format("{} exists", place), "Give --force to replace it.");
  }
}

fs::path PictureOutput::place_of(const std::string& file) const {
  if (!is_folder_) return output_;
  fs::path name = fs::path(file == "-" ? "stdin" : file).filename();
  if (!output_format(name.extension().string())) name.replace_extension(".jpg");
  return output_ / name;
}

void PictureOutput::write(const std::string& file, const Image& picture) const {
  std::error_code error;
  if (is_folder_) fs::create_directories(output_, error);
  if (error) fail(Error(ErrorCode::kIo, format("cannot make the folder {}: {}", output_, error.message())));
  value_or_fail(write_image(place_of(file), picture));
}

}  // namespace pochade

#include "paint/output.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <system_error>

#include "media/encode.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& path) {
  std::string out = path.extension().string();
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}
bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}
/// Devices and pipes are written to; files, and links to nothing, would be replaced.
bool would_be_replaced(const fs::path& path) {
  std::error_code ignored;
  return is_there(path) && !fs::is_other(fs::status(path, ignored));
}
bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

bool looks_like_photo(const fs::path& path, const std::string& style) {
  constexpr std::array<std::string_view, 8> kExtensions = {".jpg",  ".jpeg", ".jpe",  ".png",
                                                           ".webp", ".heic", ".heif", ".avif"};
  const bool painted = path.stem().extension() == "." + style;
  return std::ranges::find(kExtensions, lower_extension(path)) != kExtensions.end() && !painted;
}

Result<std::vector<fs::path>> photos_in(const fs::path& folder, const std::string& style) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored) && looks_like_photo(entry->path(), style))
      out.push_back(entry->path());
  }
  if (error) return Error::io("cannot read folder {}: {}", folder, error.message());
  if (out.empty()) return Error::not_found("no pictures in folder {}", folder);
  std::ranges::sort(out);
  return out;
}

Result<std::vector<fs::path>> all_photos(const OutputRequest& request) {
  std::vector<fs::path> out;
  for (const fs::path& photo : request.photos) {
    if (photo == "-") {
      if (std::ranges::find(out, photo) != out.end())
        return Error::invalid_argument("\"-\" (standard input) can be given only once");
      out.push_back(photo);
    } else if (is_folder(photo)) {
      TRY(const auto found, photos_in(photo, request.style));
      out.insert(out.end(), found.begin(), found.end());
    } else if (is_there(photo)) {
      out.push_back(photo);
    } else {
      return Error::not_found("there is no {}", photo);
    }
  }
  if (out.empty()) return Error::invalid_argument("no photo is given");
  return out;
}

/// photo.STYLE.jpg
fs::path painting_name(const fs::path& photo, const std::string& style) {
  const bool writable = photo != "-" && output_format(photo.extension().string()).has_value();
  const std::string stem = photo == "-" ? "painting" : photo.stem().string();
  const std::string extension = writable ? photo.extension().string() : photo == "-" ? ".png" : ".jpg";
  return format("{}.{}{}", stem, style, extension);
}

bool ends_with_slash(const fs::path& path) {
  return !path.has_filename() && path.has_parent_path();
}

/// Where one painting goes.
Result<fs::path> painting_of(const fs::path& photo, const OutputRequest& request, bool several) {
  if (!request.output) {
    if (photo == "-") return fs::path("-");
    return photo.parent_path() / painting_name(photo, request.style);
  }
  const fs::path& output = *request.output;
  if (output == "-") {
    if (several) return Error::invalid_argument("several paintings cannot go to standard output");
    return output;
  }
  if (several || is_folder(output) || ends_with_slash(output)) {
    if (is_there(output) && !is_folder(output))
      return Error::invalid_argument("{} is a file: several paintings need a folder", output);
    return output / painting_name(photo, request.style);
  }
  return output;
}

Status check_target(const PaintJob& job, const std::vector<fs::path>& photos, bool force) {
  if (job.painting == "-") return {};
  for (const fs::path& photo : photos)
    if (photo != "-" && same_file(photo, job.painting))
      return Error::invalid_argument("the painting would replace the photo {}", photo);
  if (is_folder(job.painting)) return Error::invalid_argument("{} is a folder", job.painting);
  if (would_be_replaced(job.painting) && !force)
    return Status(Error::invalid_argument("{} exists", job.painting))
        .hint("--force replaces it, -o names another file");
  return {};
}

}  // namespace

Result<std::vector<PaintJob>> plan_outputs(const OutputRequest& request) {
  CHECK(!request.style.empty());
  TRY(const auto photos, all_photos(request));
  std::vector<PaintJob> jobs;
  std::map<fs::path, fs::path> photo_of;
  for (const fs::path& photo : photos) {
    PaintJob job;
    job.photo = photo;
    TRY(job.painting, painting_of(photo, request, photos.size() > 1));
    if (job.painting != "-") {
      TRY(job.format,
          output_format(job.painting.extension().string()).context("cannot write {}", job.painting));
    }
    TRY(check_target(job, photos, request.force));
    const auto [other, is_new] = photo_of.emplace(job.painting.lexically_normal(), photo);
    if (!is_new)
      return Error::invalid_argument("{} and {} would both become {}", other->second, photo, job.painting);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace pochade

#pragma once
// Where the pictures of the task verbs go.

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "media/image.h"

namespace pochade {

/// `-o`: a file for one picture ("-" is standard output), a folder (made if needed) for several.
class PictureOutput {
 public:
  /// Ends the verb if several pictures have one file, or a picture would be written over itself.
  /// `json`: the verb prints JSON, which cannot share standard output with a picture.
  PictureOutput(const std::string& output, const std::vector<std::string>& files, bool force, bool json);
  bool wanted() const { return !output_.empty(); }
  /// Where the verb prints its lines: stderr if the picture goes to standard output.
  FILE* lines() const { return output_ == "-" ? stderr : stdout; }
  /// Writes the picture drawn for `file`.
  void write(const std::string& file, const Image& picture) const;

 private:
  std::filesystem::path place_of(const std::string& file) const;
  std::filesystem::path output_;
  bool is_folder_ = false;
};

}  // namespace pochade

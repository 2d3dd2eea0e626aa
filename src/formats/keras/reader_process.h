#pragma once
// Runs the reader program (reader/main.cc) on a file. It is looked for where POCHADE_KERAS_READER says, else
// beside the running program and where it was built and installed.

#include <filesystem>

#include "base/file.h"

namespace pochade::keras {

/// The stream of formats/keras/stream.h that the program wrote, in memory of its own. Errors: no such program
/// (the hint says what to install), no memory, and a reader that was stopped: a damaged file.
Result<Bytes> run_reader(const std::filesystem::path& file);
/// The same for a file in memory.
Result<Bytes> run_reader(const Bytes& file);

}  // namespace pochade::keras

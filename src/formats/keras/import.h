#pragma once
// Keras models: .h5 and .hdf5 files of Keras 1 and 2 (and the legacy ones of Keras 3), and .keras archives.

#include <filesystem>

#include "base/file.h"
#include "graph/graph.h"

namespace pochade {

/// Whether the bytes begin as HDF5 files (at 0, or behind a user block) or zip archives do.
bool looks_like_keras(const Bytes& file);

/// Reads a Keras model: sequential, functional, or nested. Inputs have the names, element types and sizes of
/// the file's (batch first; channels where the file has them), outputs the names of their layers; the open
/// batch is "N". All arithmetic is float32, whatever the policy of the file. Metadata: "producer". Errors
/// name the file, the layer and what was expected; all classes of layers that are not supported are named at
/// once. The file is opened by a program of its own (formats/keras/reader): its absence is kNotFound or
/// kNotSupported.
Result<Graph> import_keras(const std::filesystem::path& path);
/// The same from memory.
Result<Graph> import_keras(const Bytes& file);

namespace keras {
struct Contents;
/// From what the reader program gives: see formats/keras/stream.h.
Result<Graph> import_contents(const Contents& contents);
}  // namespace keras

}  // namespace pochade

#pragma once
// TensorFlow's frozen graphs (GraphDef, .pb) and SavedModels, of version 1 and 2.

#include <filesystem>

#include "base/file.h"
#include "graph/graph.h"

namespace pochade {

/// Reads a frozen graph. Its inputs are the placeholders that an output needs, its outputs the nodes that
/// nobody reads and that depend on an input, each with its own name. What only training needs is left out;
/// functions and loops are unrolled. Errors name the node and what was expected; all operators that are not
/// supported are named at once.
Result<Graph> import_graphdef(const Bytes& file);
/// Reads FOLDER/saved_model.pb and FOLDER/variables/. Inputs and outputs are those of the signature
/// "serving_default" (else "default", else the first by name), and have the signature's names. Metadata:
/// "signature", "signatures", "producer".
Result<Graph> import_saved_model(const std::filesystem::path& folder);
/// The same from memory: variables.index and the one shard of data, for a model with variables.
Result<Graph> import_saved_model(const Bytes& saved_model, const Bytes& index, const Bytes& data);

/// Whether bytes may be a GraphDef: there is no magic number.
bool looks_like_graphdef(const Bytes& file);
/// Whether bytes may be a saved_model.pb.
bool looks_like_saved_model(const Bytes& file);

}  // namespace pochade

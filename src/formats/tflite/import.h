#pragma once
// TFLite files: version 3 of the format, which is the only one in use.

#include <filesystem>

#include "base/file.h"
#include "graph/graph.h"

namespace pochade {

/// Reads a TFLite model: its first subgraph. Inputs and outputs have the names, order, element types and
/// sizes of the file (a batch size that is not fixed is "N"); quantized ones have their quantization in their
/// Facts. What lives between runs (variable tensors, resource variables) becomes a State.
///
/// Metadata, each where the file has it: "producer"; "signature:KEY:input:NAME" and "..:output:NAME" (the
/// tensor that a signature calls NAME); of the TFLite metadata: "name", "author", "license", "version",
/// "doc:NAME" of an input or output, "normalization:NAME" ("mean=.. std=.."), "range:NAME" ("min=.. max=.."),
/// "color:NAME"
/// ("rgb" or "gray"), "labels:NAME" (the lines of the label file that the model carries at its end), and
/// "warning:..." for what could not be read of them.
///
/// Errors name the operator, its first output, and what was expected; all operators that are not supported
/// are named at once.
Result<Graph> import_tflite(const Bytes& file);

/// Whether import_tflite() is the reader for this file.
bool looks_like_tflite(const Bytes& file);

}  // namespace pochade

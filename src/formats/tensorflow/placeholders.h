#pragma once

#include "formats/tensorflow/walk.h"

namespace pochade::tensorflow {

/// What is known of an input: its element type, and its sizes as far as the file says them. Old files say
/// none; then the operators that read it tell its rank, and the weights its channels.
/// A string is kBytes: uint8 of unknown length.
Result<Fact> placeholder_fact(const Body& body, const NodeRecord& node, const std::vector<NodeRecord>& nodes);
/// The same from a signature.
Result<Fact> declared_fact(int64_t type, const ShapeRecord& shape);

}  // namespace pochade::tensorflow

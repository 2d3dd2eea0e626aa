#pragma once

#include "graph/graph.h"

namespace pochade {

/// Elements from a seed, the same on every machine: floats uniform in [low, high), uint8 and int8 over their
/// whole range, other integers 0 or 1, as masks, lengths and indexes may be.
Result<Tensor> random_tensor(DType dtype, const Shape& shape, uint64_t seed, double low = 0, double high = 1);

/// Values of the range that the model's metadata declare for its inputs (0..255 for a NominalRange_0_255
/// picture), else [0, 1).
struct ValueRange {
  double low = 0;
  double high = 1;
};
ValueRange declared_range(const Graph& graph);

/// One tensor an input, of the given shapes.
Result<Tensors> random_inputs(const Graph& graph, std::span<const Shape> shapes, uint64_t seed);

/// The shape of every input: `given` by name, else the file's if it is concrete (an unknown first dim counts
/// as a batch of 1). Names that are no input, and inputs that stay unknown, are errors.
Result<std::vector<Shape>> input_shapes(const Graph& graph, const std::map<std::string, Shape>& given);

}  // namespace pochade

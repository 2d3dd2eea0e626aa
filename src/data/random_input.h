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

/// Whether an input of the graph is the contents of a WAV file: DecodeWav reads it.
bool takes_wav(const Graph& graph, ValueId input);
/// A WAV file of random 16-bit samples, one channel at 16 kHz, as a uint8 vector of `bytes` (44 at least).
Result<Tensor> random_wav(int64_t bytes, uint64_t seed);
/// One second.
constexpr int64_t kRandomWavBytes = 44 + 2 * 16000;

/// One tensor an input, of the given shapes; a random WAV file where the model takes one.
Result<Tensors> random_inputs(const Graph& graph, std::span<const Shape> shapes, uint64_t seed);

/// The shape of every input: `given` by name, else the file's if it is concrete (an unknown first dim counts
/// as a batch of 1, and a WAV file of open length as one second). Names that are no input, and inputs that
/// stay unknown, are errors.
Result<std::vector<Shape>> input_shapes(const Graph& graph, const std::map<std::string, Shape>& given);

}  // namespace pochade

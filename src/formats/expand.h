#pragma once
// Operators that only our Graph has (activations inside a convolution, chains, reflected padding of a
// convolution, ...) as several plain ones.

#include <set>

#include "formats/graph_copy.h"
#include "ops/activation.h"

namespace pochade {

/// What the format has by itself: what it has not is expanded.
struct Vocabulary {
  /// Operators by our names that need no expansion, of those that have one: "HardSwish", "Gelu", ...
  std::set<std::string_view> operators;
  /// Whether the format has integer operators as Quantized says them; else they are written around real ones.
  bool quantized = false;
  /// Whether windows have two spatial axes: those with one are given another, of size 1.
  bool pictures_only = false;
  /// Whether the format has this activation inside that operator.
  bool (*has_activation)(const Op& op, const Activation& act) = nullptr;
};

/// The same graph in the words of the format. Names of values stay.
Result<Graph> expand(const Graph& graph, const Vocabulary& vocabulary);

}  // namespace pochade

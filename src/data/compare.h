#pragma once
// How near two models' results are.

#include "graph/graph.h"

namespace pochade {

struct Difference {
  std::string name;
  double max_abs = 0;       ///< largest |a - b|; infinite when one is NaN or infinite where the other is not
  double max_relative = 0;  ///< max_abs / largest |a|
  double cosine = 1;        ///< of the two as vectors; 1 when both are zero
  double psnr_db = 0;       ///< 20 log10(range of a) - 10 log10(mean squared error); infinite when equal
  double step = 0;       ///< of the integers that the values are or stand for; 0: they do not, or not alike
  std::string mismatch;  ///< dtype or shape differ: then nothing else holds
  double steps() const { return step > 0 ? max_abs / step : 0; }
};

Difference compare(std::string name, const Tensor& a, const Tensor& b);

/// Keeps the worst of several samples.
void keep_worst(Difference& worst, const Difference& next);

/// The same graph with every inner value as an output too, under the value's name.
Graph with_all_outputs(const Graph& graph);

}  // namespace pochade

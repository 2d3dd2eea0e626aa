#pragma once

#include "graph/op.h"

namespace pochade {

/// Counts given sequences of integers (n-grams) in each row.
///   x: C or N,C of int32 or int64   ->   float32 K or N,K   with K = the largest of `indexes` + 1
struct TfIdfVectorizer final : OpOf<TfIdfVectorizer> {
  static constexpr std::string_view kName = "TfIdfVectorizer";
  enum class Mode { kCount, kWeight, kWeightedCount };  ///< ONNX: TF, IDF (weight if it occurs at all), TFIDF
  Mode mode = Mode::kCount;
  int64_t min_length = 1, max_length = 1;  ///< of the n-grams that count
  int64_t max_skip = 0;                    ///< most elements left out between two of an n-gram
  std::vector<int64_t> counts;             ///< where in `pool` the n-grams of length 1, 2.. begin
  std::vector<int64_t> indexes;            ///< place of each n-gram in the output
  std::vector<int64_t> pool;               ///< all n-grams, one after the other
  std::vector<float> weights;              ///< one an n-gram; empty: 1

  static void fields(auto& self, auto&& f) {
    f("mode", self.mode);
    f("min_length", self.min_length);
    f("max_length", self.max_length);
    f("max_skip", self.max_skip);
    f("counts", self.counts);
    f("indexes", self.indexes);
    f("pool", self.pool);
    f("weights", self.weights);
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
};
std::string_view to_string(TfIdfVectorizer::Mode mode);

}  // namespace pochade

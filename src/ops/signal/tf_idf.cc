#include "ops/signal/tf_idf.h"

#include <algorithm>
#include <map>

namespace pochade {
namespace {

constexpr int64_t kMaxOutputs = int64_t{1} << 26;

/// Number of n-grams in the pool, checking that counts, pool and indexes go together.
Status check(const TfIdfVectorizer& op) {
  if (op.min_length < 1 || op.max_length < op.min_length)
    return Error::invalid_model("n-grams of length {} to {}", op.min_length, op.max_length);
  if (op.max_skip < 0) return Error::invalid_model("max_skip_count is {}", op.max_skip);
  if (op.counts.empty() || op.max_length > static_cast<int64_t>(op.counts.size()))
    return Error::invalid_model("n-grams of length {}, but {} values of ngram_counts", op.max_length,
                                op.counts.size());
  const auto pool_size = static_cast<int64_t>(op.pool.size());
  int64_t grams = 0;
  for (size_t i = 0; i < op.counts.size(); ++i) {
    const int64_t begin = op.counts[i], end = i + 1 < op.counts.size() ? op.counts[i + 1] : pool_size;
    const auto length = static_cast<int64_t>(i) + 1;
    if (begin < 0 || end < begin || end > pool_size || (end - begin) % length != 0)
      return Error::invalid_model("ngram_counts does not divide a pool of {} values", pool_size);
    grams += (end - begin) / length;
  }
  if (grams != static_cast<int64_t>(op.indexes.size()))
    return Error::invalid_model("the pool has {} n-grams, but there are {} ngram_indexes", grams,
                                op.indexes.size());
  for (const int64_t index : op.indexes)
    if (index < 0 || index >= kMaxOutputs) return Error::invalid_model("ngram_indexes holds {}", index);
  if (!op.weights.empty() && op.weights.size() != op.indexes.size())
    return Error::invalid_model("{} weights for {} n-grams", op.weights.size(), op.indexes.size());
  return {};
}

}  // namespace

std::string_view to_string(TfIdfVectorizer::Mode mode) {
  switch (mode) {
    case TfIdfVectorizer::Mode::kCount:
      return "count";
    case TfIdfVectorizer::Mode::kWeight:
      return "weight";
    case TfIdfVectorizer::Mode::kWeightedCount:
      return "weighted_count";
  }
  return "";
}

Result<Facts> TfIdfVectorizer::infer(std::span<const Fact> in) const {
  TRY(expect_inputs(in, 1, 1));
  TRY(expect_dtype(in[0], "x", {DType::kI32, DType::kI64}));
  TRY(expect_rank(in[0], "x", 1, 2));
  TRY(check(*this));
  if (!in[0].dims) return Facts{Fact(DType::kF32, std::nullopt)};
  const Dim outputs = indexes.empty() ? Dim(0) : Dim(*std::max_element(indexes.begin(), indexes.end()) + 1);
  return Facts{Fact(DType::kF32, in[0].rank() == 1 ? Dims{outputs} : Dims{in[0].dim(0), outputs})};
}

Result<Tensors> TfIdfVectorizer::eval(std::span<const Tensor> in) const {
  std::map<std::vector<int64_t>, size_t> grams;  // to their place in indexes
  size_t gram = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const int64_t end = i + 1 < counts.size() ? counts[i + 1] : static_cast<int64_t>(pool.size());
    const auto length = static_cast<int64_t>(i) + 1;
    for (int64_t begin = counts[i]; begin < end; begin += length, ++gram)
      grams.emplace(std::vector<int64_t>(pool.begin() + begin, pool.begin() + begin + length), gram);
  }
  const int64_t outputs = indexes.empty() ? 0 : *std::max_element(indexes.begin(), indexes.end()) + 1;
  const bool single = in[0].rank() == 1;
  const int64_t rows = single ? 1 : in[0].shape()[0], columns = in[0].shape().back();
  TRY(Tensor y, Tensor::make(DType::kF32, single ? Shape{outputs} : Shape{rows, outputs}));
  const std::vector<int64_t> x = to_int64s(in[0]);
  std::vector<int64_t> window;
  for (int64_t row = 0; row < rows; ++row) {
    const auto out =
        y.mutable_data<float>().subspan(static_cast<size_t>(row * outputs), static_cast<size_t>(outputs));
    const int64_t* values = x.data() + row * columns;
    for (int64_t length = min_length; length <= max_length; ++length) {
      // Skips mean nothing to single elements; a distance beyond the row finds nothing.
      const int64_t last_skip = length == 1 ? 0 : std::min(max_skip, columns);
      for (int64_t skip = 0; skip <= last_skip; ++skip) {
        const int64_t extent = (length - 1) * (skip + 1) + 1;
        for (int64_t begin = 0; begin + extent <= columns; ++begin) {
          window.clear();
          for (int64_t k = 0; k < length; ++k) window.push_back(values[begin + k * (skip + 1)]);
          const auto found = grams.find(window);
          if (found != grams.end()) out[static_cast<size_t>(indexes[found->second])] += 1;
        }
      }
    }
    if (mode == Mode::kCount) continue;
    std::vector<float> weight(out.size(), 1.0f);
    for (size_t i = 0; i < weights.size(); ++i) weight[static_cast<size_t>(indexes[i])] = weights[i];
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = mode == Mode::kWeight ? (out[i] > 0 ? weight[i] : 0) : out[i] * weight[i];
  }
  return Tensors{y};
}

}  // namespace pochade

#include "formats/onnx/rows.h"
#include "ops/signal/dft.h"
#include "ops/signal/tf_idf.h"
#include "ops/signal/windows.h"

namespace pochade::onnx {
namespace {

Status dft(NodeScope& node) {
  Dft op;
  if (node.opset() < 20) {
    TRY(op.axis, node.integer("axis", 1));
  }
  TRY(op.inverse, node.flag("inverse", false));
  TRY(op.onesided, node.flag("onesided", false));
  return node.emit(op);
}

Status stft(NodeScope& node) {
  Stft op;
  TRY(op.onesided, node.flag("onesided", true));
  return node.emit(op);
}

template <typename Window>
Status window(NodeScope& node) {
  Window op;
  TRY(op.periodic, node.flag("periodic", true));
  TRY(op.dtype, node.dtype("output_datatype", DType::kF32));
  return node.emit(op);
}

Status mel_weight_matrix(NodeScope& node) {
  MelWeightMatrix op;
  TRY(op.dtype, node.dtype("output_datatype", DType::kF32));
  return node.emit(op);
}

Status tf_idf_vectorizer(NodeScope& node) {
  if (node.has("pool_strings")) return Error::not_supported("n-grams of strings");
  TfIdfVectorizer op;
  TRY(const std::string mode, node.text("mode"));
  if (mode == "TF")
    op.mode = TfIdfVectorizer::Mode::kCount;
  else if (mode == "IDF")
    op.mode = TfIdfVectorizer::Mode::kWeight;
  else if (mode == "TFIDF")
    op.mode = TfIdfVectorizer::Mode::kWeightedCount;
  else
    return Error::invalid_model("mode is \"{}\"", mode);
  TRY(op.min_length, node.integer("min_gram_length"));
  TRY(op.max_length, node.integer("max_gram_length"));
  TRY(op.max_skip, node.integer("max_skip_count"));
  TRY(op.counts, node.integers("ngram_counts"));
  TRY(op.indexes, node.integers("ngram_indexes"));
  TRY(op.pool, node.integers("pool_int64s"));
  TRY(op.weights, node.numbers("weights"));
  return node.emit(std::move(op));
}

constexpr Row kSignalRows[] = {
    {"", "DFT", 17, kLatest, dft},
    {"", "STFT", 17, kLatest, stft},
    {"", "HannWindow", 17, kLatest, window<HannWindow>},
    {"", "HammingWindow", 17, kLatest, window<HammingWindow>},
    {"", "BlackmanWindow", 17, kLatest, window<BlackmanWindow>},
    {"", "MelWeightMatrix", 17, kLatest, mel_weight_matrix},
    {"", "TfIdfVectorizer", 9, kLatest, tf_idf_vectorizer},
};

}  // namespace

std::span<const Row> signal_rows() {
  return kSignalRows;
}

}  // namespace pochade::onnx

// Matrices, signals, detection, losses.

#include "ops/loss/loss.h"

#include "formats/onnx/export_scope.h"
#include "ops/detect/non_max_suppression.h"
#include "ops/matrix/einsum.h"
#include "ops/matrix/gemm.h"
#include "ops/signal/dft.h"
#include "ops/signal/tf_idf.h"
#include "ops/signal/windows.h"

namespace pochade::onnx {
namespace {

Status gemm(ExportScope& node) {
  const auto& op = node.op<Gemm>();
  Attributes attributes;
  if (op.alpha != 1) attributes.number("alpha", op.alpha);
  if (op.beta != 1) attributes.number("beta", op.beta);
  if (op.transpose_a) attributes.integer("transA", 1);
  if (op.transpose_b) attributes.integer("transB", 1);
  return node.emit("Gemm", node.inputs(), attributes);
}

Status einsum(ExportScope& node) {
  return node.emit("Einsum", node.inputs(), Attributes().text("equation", node.op<Einsum>().equation));
}

Status non_max_suppression(ExportScope& node) {
  return node.emit(
      "NonMaxSuppression", {node.input(0), node.input(1), node.int64_input(2), node.input(3), node.input(4)},
      Attributes().integer("center_point_box", node.op<NonMaxSuppression>().center_point_box ? 1 : 0));
}

/// The axis is an input since opset 20 and an attribute before.
Status dft(ExportScope& node) {
  const auto& op = node.op<Dft>();
  Attributes attributes;
  if (op.inverse) attributes.integer("inverse", 1);
  if (op.onesided) attributes.integer("onesided", 1);
  if (node.opset() >= 20) {
    std::string axis = node.int64_input(2);
    if (axis.empty() && op.axis != -2) axis = node.constant(Tensor::scalar<int64_t>(op.axis));
    return node.emit("DFT", {node.input(0), node.int64_input(1), axis}, attributes);
  }
  const auto axis = node.known_integers(2);
  if (node.has_input(2) && (!axis || axis->size() != 1))
    TRY(node.needs_opset(20, "DFT along an axis that is computed"));
  int64_t along = axis ? (*axis)[0] : op.axis;
  const Fact x = node.fact(0);
  if (along < 0) {
    if (!x.rank_known()) TRY(node.needs_opset(20, "DFT along an axis that counts from the end"));
    along += x.rank();
  }
  return node.emit("DFT", {node.input(0), node.int64_input(1)}, attributes.integer("axis", along));
}

Status stft(ExportScope& node) {
  return node.emit("STFT", node.inputs(), Attributes().integer("onesided", node.op<Stft>().onesided ? 1 : 0));
}

template <typename D>
Status window(ExportScope& node) {
  const auto& op = node.op<D>();
  return node.emit(D::kName, node.inputs(),
                   Attributes().integer("periodic", op.periodic ? 1 : 0).type("output_datatype", op.dtype));
}

Status mel_weight_matrix(ExportScope& node) {
  return node.emit("MelWeightMatrix", node.inputs(),
                   Attributes().type("output_datatype", node.op<MelWeightMatrix>().dtype));
}

Status tf_idf_vectorizer(ExportScope& node) {
  const auto& op = node.op<TfIdfVectorizer>();
  using Mode = TfIdfVectorizer::Mode;
  Attributes attributes;
  attributes.text("mode", op.mode == Mode::kCount    ? "TF"
                          : op.mode == Mode::kWeight ? "IDF"
                                                     : "TFIDF")
      .integer("min_gram_length", op.min_length)
      .integer("max_gram_length", op.max_length)
      .integer("max_skip_count", op.max_skip)
      .integers("ngram_counts", op.counts)
      .integers("ngram_indexes", op.indexes)
      .integers("pool_int64s", op.pool);
  if (!op.weights.empty()) attributes.numbers("weights", op.weights);
  return node.emit("TfIdfVectorizer", node.inputs(), attributes);
}

template <typename D>
Status loss(ExportScope& node) {
  const LossFields& fields = node.op<D>().loss;
  Attributes attributes;
  attributes.text("reduction", fields.reduction == LossReduction::kMean  ? "mean"
                               : fields.reduction == LossReduction::kSum ? "sum"
                                                                         : "none");
  if (fields.has_ignore_index) attributes.integer("ignore_index", fields.ignore_index);
  return node.emit(D::kName, node.inputs(), attributes);
}

constexpr ExportRow kExportOtherRows[] = {
    {"BlackmanWindow", 17, window<BlackmanWindow>},
    {"DFT", 17, dft},
    {"Det"},
    {"Einsum", 1, einsum},
    {"Gemm", 1, gemm},
    {"HammingWindow", 17, window<HammingWindow>},
    {"HannWindow", 17, window<HannWindow>},
    {"MatMul"},
    {"MelWeightMatrix", 17, mel_weight_matrix},
    {"NegativeLogLikelihoodLoss", 1, loss<NegativeLogLikelihoodLoss>},
    {"NonMaxSuppression", 1, non_max_suppression},
    {"STFT", 17, stft},
    {"SoftmaxCrossEntropyLoss", 1, loss<SoftmaxCrossEntropyLoss>},
    {"TfIdfVectorizer", 1, tf_idf_vectorizer},
};

}  // namespace

std::span<const ExportRow> other_export_rows() {
  return kExportOtherRows;
}

}  // namespace pochade::onnx

#include "ops/loss/loss.h"

#include "formats/onnx/rows.h"

namespace pochade::onnx {
namespace {

template <typename Loss>
Status loss(NodeScope& node) {
  Loss op;
  TRY(const std::string reduction, node.text("reduction", "mean"));
  if (reduction == "mean")
    op.loss.reduction = LossReduction::kMean;
  else if (reduction == "sum")
    op.loss.reduction = LossReduction::kSum;
  else if (reduction == "none")
    op.loss.reduction = LossReduction::kEach;
  else
    return Error::invalid_model("reduction is \"{}\"", reduction);
  op.loss.has_ignore_index = node.has("ignore_index");
  TRY(op.loss.ignore_index, node.integer("ignore_index", 0));
  return node.emit(op);
}

constexpr std::string_view kTraining = "ai.onnx.preview.training";
constexpr std::string_view kReason = "it is for training";

constexpr Row kLossRows[] = {
    {"", "SoftmaxCrossEntropyLoss", 12, kLatest, loss<SoftmaxCrossEntropyLoss>},
    {"", "NegativeLogLikelihoodLoss", 12, kLatest, loss<NegativeLogLikelihoodLoss>},
    {kTraining, "Adagrad", 1, kLatest, nullptr, kReason},
    {kTraining, "Adam", 1, kLatest, nullptr, kReason},
    {kTraining, "Momentum", 1, kLatest, nullptr, kReason},
    {kTraining, "Gradient", 1, kLatest, nullptr, kReason},
};

}  // namespace

std::span<const Row> loss_rows() {
  return kLossRows;
}

}  // namespace pochade::onnx

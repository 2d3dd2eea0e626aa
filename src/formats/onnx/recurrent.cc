#include "ops/recurrent/cells.h"

#include "formats/onnx/rows.h"

namespace pochade::onnx {
namespace {

/// Values of a list that only the functions with such a parameter take from, in order.
class Taken {
 public:
  explicit Taken(std::vector<float> values) : values_(std::move(values)) {}
  float next(bool has_parameter, float otherwise) {
    return has_parameter && at_ < values_.size() ? values_[at_++] : otherwise;
  }

 private:
  std::vector<float> values_;
  size_t at_ = 0;
};

Status read_functions(NodeScope& node, Recurrence& recurrence, std::initializer_list<GateFunction> normal) {
  TRY(const auto names, node.texts("activations"));
  TRY(auto alphas, node.numbers("activation_alpha"));
  TRY(auto betas, node.numbers("activation_beta"));
  Taken alpha(std::move(alphas)), beta(std::move(betas));
  if (names.empty()) set_functions(recurrence, normal);
  for (const std::string& name : names) {
    const auto function = gate_function(name);
    if (!function) return Error::not_supported("activation \"{}\"", name);
    recurrence.functions.push_back(static_cast<int64_t>(*function));
  }
  recurrence.alpha.clear();
  recurrence.beta.clear();
  for (const int64_t function : recurrence.functions) {
    const GateParameters p = default_parameters(static_cast<GateFunction>(function));
    recurrence.alpha.push_back(alpha.next(p.has_alpha, p.alpha));
    recurrence.beta.push_back(beta.next(p.has_beta, p.beta));
  }
  return {};
}

Result<Recurrence> read_recurrence(NodeScope& node, std::initializer_list<GateFunction> normal) {
  Recurrence out;
  TRY(const std::string direction, node.text("direction", "forward"));
  if (direction == "forward")
    out.direction = Direction::kForward;
  else if (direction == "reverse")
    out.direction = Direction::kReverse;
  else if (direction == "bidirectional")
    out.direction = Direction::kBidirectional;
  else
    return Error::invalid_model("direction is \"{}\"", direction);
  TRY(read_functions(node, out, normal));
  const Fact r = node.fact(2);
  const int64_t own_size = r.dims && r.rank() == 3 && r.dim(2).is_number() ? r.dim(2).number() : 0;
  TRY(out.hidden_size, node.integer("hidden_size", own_size));
  TRY(out.clip, node.number("clip", 0));
  TRY(out.batch_first, node.flag("layout", false));
  return out;
}

Status rnn(NodeScope& node) {
  Rnn op;
  TRY(op.recurrence, read_recurrence(node, {GateFunction::kTanh}));
  return node.emit(std::move(op));
}

Status gru(NodeScope& node) {
  Gru op;
  TRY(op.recurrence, read_recurrence(node, {GateFunction::kSigmoid, GateFunction::kTanh}));
  TRY(op.linear_before_reset, node.flag("linear_before_reset", false));
  return node.emit(std::move(op));
}

Status lstm(NodeScope& node) {
  Lstm op;
  TRY(op.recurrence,
      read_recurrence(node, {GateFunction::kSigmoid, GateFunction::kTanh, GateFunction::kTanh}));
  TRY(op.input_forget, node.flag("input_forget", false));
  return node.emit(std::move(op));
}

constexpr Row kRecurrentRows[] = {
    {"", "RNN", 7, kLatest, rnn},
    {"", "GRU", 7, kLatest, gru},
    {"", "LSTM", 7, kLatest, lstm},
};

}  // namespace

std::span<const Row> recurrent_rows() {
  return kRecurrentRows;
}

}  // namespace pochade::onnx

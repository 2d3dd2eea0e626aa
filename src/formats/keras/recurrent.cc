#include <algorithm>

#include "formats/keras/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/recurrent/cells.h"
#include "ops/shape/concat.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"

namespace pochade::keras {
namespace {

enum class Kind { kRnn, kGru, kLstm };

/// One direction of a recurrent layer.
struct Cell {
  Kind kind = Kind::kRnn;
  bool cudnn = false;  ///< CuDNNGRU, CuDNNLSTM: other biases
  int64_t units = 0;
  bool use_bias = true;
  bool reset_after = false;
  bool backwards = false;
  bool sequences = false;
  bool state = false;
  std::vector<int64_t> functions;
  std::vector<float> alpha, beta;
  Tensor w, r, b;  ///< D,G*H,I  D,G*H,H  D,2*G*H with D = 1, gates in ONNX's order
};

int64_t gates_of(Kind kind) {
  return kind == Kind::kLstm ? 4 : kind == Kind::kGru ? 3 : 1;
}

std::optional<Kind> kind_of(std::string_view name) {
  if (name == "LSTM" || name == "LSTMCell" || name == "CuDNNLSTM") return Kind::kLstm;
  if (name == "GRU" || name == "GRUCell" || name == "CuDNNGRU") return Kind::kGru;
  if (name == "SimpleRNN" || name == "SimpleRNNCell") return Kind::kRnn;
  return std::nullopt;
}

Status add_function(Cell& cell, const Json* json, int major, std::string_view otherwise) {
  std::string name(otherwise);
  if (json != nullptr) {
    if (json->text() != nullptr)
      name = *json->text();
    else if (const Json* config = json->find("config"); config != nullptr && config->text() != nullptr)
      name = *config->text();
    else
      return Error::not_supported("the activation {}", json->dump(100));
  }
  struct Known {
    std::string_view name;
    GateFunction function;
  };
  constexpr Known kKnown[] = {
      {"tanh", GateFunction::kTanh},         {"sigmoid", GateFunction::kSigmoid},
      {"relu", GateFunction::kRelu},         {"hard_sigmoid", GateFunction::kHardSigmoid},
      {"elu", GateFunction::kElu},           {"softsign", GateFunction::kSoftsign},
      {"softplus", GateFunction::kSoftplus}, {"linear", GateFunction::kAffine}};
  const auto known = std::ranges::find(kKnown, name, &Known::name);
  if (known == std::end(kKnown)) return Error::not_supported("the activation \"{}\" of a gate", name);
  GateParameters parameters = default_parameters(known->function);
  if (known->function == GateFunction::kHardSigmoid) {
    parameters.alpha = major >= 3 ? 1.0f / 6 : 0.2f;
    parameters.beta = 0.5f;
  }
  if (known->function == GateFunction::kAffine) {
    parameters.alpha = 1;
    parameters.beta = 0;
  }
  if (known->function == GateFunction::kElu) parameters.alpha = 1;
  cell.functions.push_back(static_cast<int64_t>(known->function));
  cell.alpha.push_back(parameters.alpha);
  cell.beta.push_back(parameters.beta);
  return {};
}

/// The configuration of the layer itself, or of one inside it, which then is checked for keys that nobody
/// read.
class Config {
 public:
  Config(LayerScope& layer, const Json& json)
      : layer_(layer), json_(json), own_(&json == &layer.record().config) {}
  const Json* get(std::string_view key) {
    if (own_) return layer_.get(key);
    read_.emplace(key);
    const Json* value = json_.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  Result<bool> flag(std::string_view key, bool otherwise) {
    const Json* value = get(key);
    if (value == nullptr) return otherwise;
    if (value->boolean() == nullptr)
      return Error::invalid_model("\"{}\" is {}, expected true or false", key, value->dump(60));
    return *value->boolean();
  }
  Status finish() const {
    if (own_ || json_.object() == nullptr) return {};
    for (const Json::Member& member : *json_.object())
      if (!read_.contains(member.key) && !is_harmless(member.key))
        return Error::not_supported("\"{}\" = {} of the layer inside it is not known", member.key,
                                    member.value.dump(60));
    return {};
  }

 private:
  LayerScope& layer_;
  const Json& json_;
  bool own_;
  std::set<std::string, std::less<>> read_;
};

Status read_cell_config(LayerScope& layer, Config& config, Cell& cell) {
  const Json* units = config.get("units");
  if (units == nullptr || units->integer() == nullptr || *units->integer() < 1 ||
      *units->integer() > (1 << 24))
    return Error::invalid_model("\"units\" is {}, expected a size",
                                units != nullptr ? units->dump(60) : "missing");
  cell.units = *units->integer();
  for (const char* key : {"dropout", "recurrent_dropout", "implementation", "unit_forget_bias"})
    config.get(key);
  TRY(cell.use_bias, config.flag("use_bias", true));
  const int major = layer.file().major;
  if (cell.kind == Kind::kGru) {
    TRY(cell.reset_after, config.flag("reset_after", cell.cudnn));
  }
  const std::string_view gate = major >= 3 || cell.cudnn ? "sigmoid" : "hard_sigmoid";
  if (cell.kind != Kind::kRnn) TRY(add_function(cell, config.get("recurrent_activation"), major, gate));
  TRY(add_function(cell, config.get("activation"), major, "tanh"));
  if (cell.kind == Kind::kLstm) {  // of the cell's output, too
    cell.functions.push_back(cell.functions.back());
    cell.alpha.push_back(cell.alpha.back());
    cell.beta.push_back(cell.beta.back());
  }
  return {};
}

Status read_layer_config(Config& config, Cell& cell) {
  TRY(cell.sequences, config.flag("return_sequences", false));
  TRY(cell.state, config.flag("return_state", false));
  TRY(cell.backwards, config.flag("go_backwards", false));
  for (const char* key : {"unroll", "zero_output_for_mask", "input_dim", "input_length", "use_cudnn"})
    config.get(key);
  for (const char* key : {"stateful", "time_major"}) {
    TRY(const bool asked, config.flag(key, false));
    if (asked) return Error::not_supported("{}", key);
  }
  return {};
}

/// `source` is I,G*H (or H,G*H) with Keras' gates; the result 1,G*H,I with ONNX's.
Result<Tensor> gate_rows(const Cell& cell, const Tensor& source) {
  TRY(const Tensor rows, permuted(source, {1, 0}));
  if (cell.kind != Kind::kLstm) return rows.reshaped({1, rows.shape()[0], rows.shape()[1]});
  TRY(Tensor out, Tensor::make(DType::kF32, {1, rows.shape()[0], rows.shape()[1]}));
  constexpr int64_t kFrom[] = {0, 3, 1, 2};  // i f c o -> i o f c
  const int64_t block = rows.elements() / 4;
  for (int64_t gate = 0; gate < 4; ++gate)
    std::copy_n(rows.data<float>().begin() + kFrom[gate] * block, block,
                out.mutable_data<float>().begin() + gate * block);
  return out;
}

/// Keras 1 kept the gates apart: W, U, b of each in turn.
Result<std::vector<Tensor>> join_gates(const Cell& cell, const std::vector<Tensor>& weights) {
  std::vector<size_t> order = {0};
  if (cell.kind == Kind::kGru) order = {0, 1, 2};      // z r h
  if (cell.kind == Kind::kLstm) order = {0, 2, 1, 3};  // written i c f o
  std::vector<Tensor> out;
  for (size_t part = 0; part < 3; ++part) {
    std::vector<Fact> facts;
    Tensors parts;
    for (const size_t gate : order) {
      TRY(parts.emplace_back(), weights[gate * 3 + part].cast(DType::kF32));
      facts.emplace_back(parts.back());
    }
    Concat concat;
    concat.axis = -1;
    TRY(concat.infer(facts));
    TRY(Tensors joined, concat.eval(parts));
    out.push_back(joined.at(0));
  }
  return out;
}

Status read_weights(const Weights& source, Cell& cell) {
  const int64_t gates = gates_of(cell.kind), rows = gates * cell.units;
  TRY(const std::vector<Weight> all, source.variables());
  std::vector<Tensor> weights;
  for (const Weight& weight : all) weights.push_back(weight.tensor);
  if (gates > 1 && weights.size() == static_cast<size_t>(3 * gates)) {
    TRY(weights, join_gates(cell, weights));
  }
  if (weights.size() != (cell.use_bias ? 3u : 2u))
    return Error::invalid_model("the file has {} weights for it, expected {}", weights.size(),
                                cell.use_bias ? 3 : 2);
  if (weights[0].rank() != 2 || weights[0].shape()[1] != rows ||
      weights[1].shape() != Shape{cell.units, rows})
    return Error::invalid_model("its weights are {} and {}, expected {} columns and {}", weights[0].shape(),
                                weights[1].shape(), rows, Shape{cell.units, rows});
  TRY(cell.w, gate_rows(cell, weights[0]));
  TRY(cell.r, gate_rows(cell, weights[1]));
  if (!cell.use_bias) return {};
  // One bias, or one for the input and one for the state: 2,G*H or (CuDNN) 2*G*H.
  const int64_t count = weights[2].elements();
  if (count != rows && count != 2 * rows)
    return Error::invalid_model("its bias is {}, expected {} or {} values", weights[2].shape(), rows,
                                2 * rows);
  if (cell.kind == Kind::kGru && cell.reset_after != (count == 2 * rows))
    return Error::invalid_model("its bias is {}, which does not fit reset_after", weights[2].shape());
  TRY(cell.b, Tensor::make(DType::kF32, {1, 2 * rows}));
  TRY(const Tensor floats, weights[2].cast(DType::kF32));
  for (int64_t half = 0; half < count / rows; ++half) {
    Tensor part = Tensor::view(DType::kF32, {1, rows},
                               floats.bytes() + half * rows * static_cast<int64_t>(sizeof(float)));
    TRY(const Tensor ordered, gate_rows(cell, part));
    // gate_rows() orders columns: here each "row" has one element.
    std::copy_n(ordered.data<float>().begin(), rows, cell.b.mutable_data<float>().begin() + half * rows);
  }
  return {};
}

/// Everything of one direction; `json` is the config of LSTM, GRU, .. or of RNN with a cell inside.
Result<Cell> read_cell(LayerScope& layer, std::string_view class_name, const Json& json,
                       const Weights& source) {
  Cell cell;
  Config config(layer, json);
  TRY(read_layer_config(config, cell));
  if (class_name == "RNN") {
    const Json* inner = config.get("cell");
    const Json* inner_json = inner != nullptr ? inner->find("config") : nullptr;
    const auto kind = inner != nullptr ? kind_of(inner->find_text("class_name")) : std::nullopt;
    if (!kind || inner_json == nullptr)
      return Error::not_supported("the cell {}", inner != nullptr ? inner->dump() : "that is missing");
    cell.kind = *kind;
    Config inner_config(layer, *inner_json);
    TRY(read_cell_config(layer, inner_config, cell));
    TRY(inner_config.finish());
  } else {
    const auto kind = kind_of(class_name);
    if (!kind) return Error::not_supported("{} inside it: only LSTM, GRU, SimpleRNN and RNN are", class_name);
    cell.kind = *kind;
    cell.cudnn = class_name.starts_with("CuDNN");
    TRY(read_cell_config(layer, config, cell));
  }
  TRY(config.finish());
  TRY(read_weights(source, cell));
  return cell;
}

OpPtr make_cell(const Cell& cell, Direction direction, const Cell* reverse) {
  Recurrence recurrence;
  recurrence.hidden_size = cell.units;
  recurrence.direction = direction;
  recurrence.batch_first = true;
  for (const Cell* each : {&cell, reverse}) {
    if (each == nullptr) continue;
    recurrence.functions.insert(recurrence.functions.end(), each->functions.begin(), each->functions.end());
    recurrence.alpha.insert(recurrence.alpha.end(), each->alpha.begin(), each->alpha.end());
    recurrence.beta.insert(recurrence.beta.end(), each->beta.begin(), each->beta.end());
  }
  if (cell.kind == Kind::kRnn) return make_op<Rnn>([&](Rnn& op) { op.recurrence = recurrence; });
  if (cell.kind == Kind::kLstm) return make_op<Lstm>([&](Lstm& op) { op.recurrence = recurrence; });
  return make_op<Gru>([&](Gru& op) {
    op.recurrence = recurrence;
    op.linear_before_reset = cell.reset_after;
  });
}

/// Both directions' tensors one behind the other.
Result<Tensor> both(const Tensor& a, const Tensor& b) {
  if (a.rank() != b.rank() || a.shape().product(1, a.rank()) != b.shape().product(1, b.rank()))
    return Error::invalid_model("the weights of its directions are {} and {}", a.shape(), b.shape());
  Shape shape = a.shape();
  shape[0] = 2;
  TRY(Tensor out, Tensor::make(DType::kF32, shape));
  std::ranges::copy(a.data<float>(), out.mutable_data<float>().begin());
  std::ranges::copy(b.data<float>(), out.mutable_data<float>().begin() + a.elements());
  return out;
}

/// N,H of every state that it is called with -> N,1,H each.
Result<Values> initial_states(LayerScope& layer, const Cell& cell, const Values& inputs) {
  const size_t states = cell.kind == Kind::kLstm ? 2 : 1;
  if (inputs.size() == 1) return Values(states, kNone);
  if (inputs.size() != 1 + states)
    return Error::invalid_model("it is called with {} tensors, expected 1 or {}", inputs.size(), 1 + states);
  Values out;
  for (size_t i = 0; i < states; ++i) {
    TRY(out.emplace_back(), layer.add(Unsqueeze{}, {inputs[i + 1], layer.integers_constant({1})}));
  }
  return out;
}

Result<ValueId> backwards(LayerScope& layer, ValueId sequence) {
  return layer.add(Slice{}, {sequence, layer.integers_constant({-1}), layer.integers_constant({INT64_MIN}),
                             layer.integers_constant({1}), layer.integers_constant({-1})});
}

/// The tensors of a call: x, and the states where it has them.
Result<Values> call_inputs(LayerScope& layer) {
  TRY(Values inputs, layer.inputs());
  if (const Operand* states = layer.argument(SIZE_MAX, "initial_state")) {
    if (states->is_tensor()) inputs.push_back(states->value);
    for (const Operand& state : states->items) {
      if (!state.is_tensor()) return Error::not_supported("an initial_state that is no tensor");
      inputs.push_back(state.value);
    }
  }
  return inputs;
}

Result<Values> one_direction(LayerScope& layer) {
  TRY(const Cell cell, read_cell(layer, layer.record().class_name, layer.record().config,
                                 layer.weight_source().child("cell")));
  TRY(const Values inputs, call_inputs(layer));
  TRY(const Values states, initial_states(layer, cell, inputs));
  Values all{inputs[0], layer.constant("w", cell.w), layer.constant("r", cell.r),
             cell.b.defined() ? layer.constant("b", cell.b) : kNone, kNone};
  all.insert(all.end(), states.begin(), states.end());
  const Direction direction = cell.backwards ? Direction::kReverse : Direction::kForward;
  TRY(const Values results, layer.add_all(make_cell(cell, direction, nullptr), all));
  Values out;
  if (cell.sequences) {  // N,T,1,H
    TRY(ValueId y, layer.add(Squeeze{}, {results[0], layer.integers_constant({2})}));
    if (cell.backwards) {  // Keras gives the steps in the order in which it did them
      TRY(y, backwards(layer, y));
    }
    out.push_back(y);
  } else {
    TRY(out.emplace_back(), layer.add(Flatten{}, {results[1]}));
  }
  if (cell.state)
    for (size_t i = 1; i < results.size(); ++i) {
      TRY(out.emplace_back(), layer.add(Flatten{}, {results[i]}));
    }
  return out;
}

/// The two directions' results, N,..,H each, as merge_mode says.
Result<Values> merged(LayerScope& layer, const std::string& mode, ValueId forward, ValueId backward) {
  if (mode == "concat") {
    Concat op;
    op.axis = -1;
    return layer.one(op, {forward, backward});
  }
  if (mode == "sum") return layer.one(Add{}, {forward, backward});
  if (mode == "mul") return layer.one(Mul{}, {forward, backward});
  if (mode == "ave") {
    TRY(const ValueId sum, layer.add(Add{}, {forward, backward}));
    return layer.one(Mul{}, {sum, layer.number_constant(0.5f)});
  }
  if (mode.empty()) return Values{forward, backward};
  return Error::not_supported("merge_mode \"{}\"", mode);
}

Result<Values> bidirectional(LayerScope& layer) {
  TRY(const std::string mode, layer.text("merge_mode", ""));
  const Json* forward_json = layer.get("layer");
  const Json* backward_json = layer.get("backward_layer");
  if (forward_json == nullptr) return Error::invalid_model("\"layer\" is missing");
  TRY(const LayerRecord forward_record, parse_layer(*forward_json, layer.file().major));
  std::optional<LayerRecord> backward_record;
  if (backward_json != nullptr) {
    TRY(backward_record, parse_layer(*backward_json, layer.file().major));
  }
  const Weights& own = layer.weight_source();
  TRY(const Cell forward, read_cell(layer, forward_record.class_name, forward_record.config,
                                    own.half(0, "forward_layer").child("cell")));
  const LayerRecord& reverse = backward_record ? *backward_record : forward_record;
  TRY(Cell backward,
      read_cell(layer, reverse.class_name, reverse.config, own.half(1, "backward_layer").child("cell")));
  if (!backward_record) backward.backwards = !forward.backwards;
  if (forward.backwards || !backward.backwards || forward.kind != backward.kind ||
      forward.units != backward.units || forward.sequences != backward.sequences ||
      forward.state != backward.state || forward.reset_after != backward.reset_after ||
      forward.use_bias != backward.use_bias)
    return Error::not_supported("directions that differ: {}", layer.record().config.dump());
  TRY(const Values inputs, layer.inputs());
  if (inputs.size() != 1) return Error::not_supported("it is called with initial states");
  TRY(const Tensor w, both(forward.w, backward.w));
  TRY(const Tensor r, both(forward.r, backward.r));
  ValueId b = kNone;
  if (forward.use_bias) {
    TRY(const Tensor biases, both(forward.b, backward.b));
    b = layer.constant("b", biases);
  }
  TRY(const Values results, layer.add_all(make_cell(forward, Direction::kBidirectional, &backward),
                                          {inputs[0], layer.constant("w", w), layer.constant("r", r), b}));
  const auto pick = [&](ValueId value, int64_t axis, int64_t index) -> Result<ValueId> {
    TRY(const ValueId part,
        layer.add(Slice{}, {value, layer.integers_constant({index}), layer.integers_constant({index + 1}),
                            layer.integers_constant({axis})}));
    return layer.add(Squeeze{}, {part, layer.integers_constant({axis})});
  };
  Values out;
  const ValueId result = forward.sequences ? results[0] : results[1];
  const int64_t axis = forward.sequences ? 2 : 1;  // N,T,D,H or N,D,H
  TRY(const ValueId first, pick(result, axis, 0));
  TRY(const ValueId second, pick(result, axis, 1));
  TRY(out, merged(layer, mode, first, second));
  if (forward.state)
    for (int64_t direction = 0; direction < 2; ++direction)
      for (size_t i = 1; i < results.size(); ++i) {
        TRY(out.emplace_back(), pick(results[i], 1, direction));
      }
  return out;
}

/// The inner layer on every step: steps become pictures of the batch, and come back.
Result<Values> time_distributed(LayerScope& layer) {
  const Json* json = layer.get("layer");
  if (json == nullptr) return Error::invalid_model("\"layer\" is missing");
  TRY(const LayerRecord inner, parse_layer(*json, layer.file().major));
  TRY(const ValueId x, layer.input());
  const Fact& fact = layer.fact(x);
  TRY(const int rank, layer.rank(x));
  if (rank < 3) return Error::invalid_model("its input has {} dimensions, expected 3 or more", rank);
  const Weights weights = layer.weight_source().child("layer");
  std::vector<int64_t> flat{-1};
  bool known = fact.dim(1).is_number();
  const int64_t steps = known ? fact.dim(1).number() : 0;
  for (int axis = 2; axis < rank; ++axis) {
    known = known && fact.dim(axis).is_number();
    if (known) flat.push_back(fact.dim(axis).number());
  }
  // These work on the last axis alone, so that the number of steps may stay open.
  const bool any_rank =
      inner.class_name == "Dense" || inner.class_name == "Activation" || inner.class_name == "Dropout";
  if (!known) {
    if (any_rank) return layer.import_inner(inner, weights, {x});
    return Error::not_supported("steps of open number or size: {}", to_string(fact));
  }
  TRY(const ValueId frames, layer.reshape(x, flat));
  TRY(const Values results, layer.import_inner(inner, weights, {frames}));
  Values out;
  for (const ValueId result : results) {
    const Fact& each = layer.fact(result);
    std::vector<int64_t> shape{-1, steps};
    for (int axis = 1; axis < each.rank(); ++axis) {
      if (!each.dim(axis).is_number()) return Error::not_supported("steps of open size: {}", to_string(each));
      shape.push_back(each.dim(axis).number());
    }
    TRY(out.emplace_back(), layer.reshape(result, shape));
  }
  return out;
}

constexpr Row kRecurrentRows[] = {
    {"LSTM", one_direction},          {"GRU", one_direction},
    {"SimpleRNN", one_direction},     {"CuDNNLSTM", one_direction},
    {"CuDNNGRU", one_direction},      {"RNN", one_direction},
    {"Bidirectional", bidirectional}, {"TimeDistributed", time_distributed},
};

}  // namespace

std::span<const Row> recurrent_rows() {
  return kRecurrentRows;
}

}  // namespace pochade::keras

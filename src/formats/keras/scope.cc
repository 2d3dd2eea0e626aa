#include "formats/keras/scope.h"

#include <algorithm>
#include <array>

#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"

namespace pochade::keras {
namespace {

/// Results of constant inputs up to this size become known when a node is added: enough for shape arithmetic.
constexpr int64_t kKnownLimitBytes = 4096;

/// Keys that say how a layer is trained, built or named.
constexpr std::string_view kHarmless[] = {"name",
                                          "trainable",
                                          "dtype",
                                          "batch_input_shape",
                                          "batch_shape",
                                          "build_config",
                                          "input_dtype",
                                          "seed",
                                          "quantization_config",
                                          "registered_name",
                                          "lora_rank",
                                          "lora_alpha",
                                          "autocast",
                                          "input_shape",
                                          "sparse",
                                          "ragged",
                                          "optional",
                                          "activity_regularizer",
                                          "shared_object_id"};
constexpr std::string_view kHarmlessEnds[] = {"_initializer", "_regularizer", "_constraint"};
/// Arguments of calls that matter to training only, or say what is so anyway.
constexpr std::string_view kHarmlessArguments[] = {"training", "mask", "name", "attention_mask"};

bool is_none(const Operand& operand) {
  return !operand.is_tensor() && !operand.is_list && operand.literal.is_null();
}

/// Whether an argument that nobody reads says nothing: None, False.
bool says_nothing(const Operand& operand) {
  if (operand.is_tensor() || operand.is_list) return false;
  const bool* truth = operand.literal.boolean();
  return operand.literal.is_null() || (truth != nullptr && !*truth);
}

bool is_identity(const std::vector<int64_t>& perm, int rank) {
  for (size_t i = 0; i < perm.size(); ++i)
    if (perm[i] != static_cast<int64_t>(i)) return false;
  return static_cast<int>(perm.size()) == rank;
}

Status collect_tensors(const Operand& operand, Values& out) {
  if (operand.is_tensor()) {
    out.push_back(operand.value);
    return {};
  }
  if (!operand.is_list) return Error::not_supported("it is called with {}", operand.literal.dump(100));
  for (const Operand& item : operand.items) TRY(collect_tensors(item, out));
  return {};
}

}  // namespace

bool is_harmless(std::string_view key) {
  return std::ranges::find(kHarmless, key) != std::end(kHarmless) ||
         std::ranges::any_of(kHarmlessEnds, [&](std::string_view end) { return key.ends_with(end); });
}

Result<Tensor> permuted(const Tensor& tensor, std::vector<int64_t> perm) {
  TRY(const Tensor floats, tensor.cast(DType::kF32));
  if (is_identity(perm, tensor.rank())) return floats;
  Transpose transpose;
  transpose.perm = std::move(perm);
  TRY(transpose.infer(std::array{Fact(floats)}));
  TRY(Tensors out, transpose.eval(std::array{floats}));
  return out.at(0);
}

LayerScope::LayerScope(Graph& graph, const LayerRecord& record, Weights weights, const FileFacts& file,
                       std::string name, std::map<std::string, ValueId>& constants,
                       std::vector<Operand> arguments, std::map<std::string, Operand, std::less<>> keywords,
                       ImportInner import_inner)
    : graph_(graph),
      record_(record),
      weights_(std::move(weights)),
      file_(file),
      name_(std::move(name)),
      constants_(constants),
      arguments_(std::move(arguments)),
      keywords_(std::move(keywords)),
      import_inner_(std::move(import_inner)) {}

// Configuration.

tl::unexpected<Error> LayerScope::wrong(std::string_view key, std::string_view expected) const {
  const Json* value = record_.config.find(key);
  return Error::invalid_model("\"{}\" is {}, expected {}", key,
                              value != nullptr ? value->dump(60) : "missing", expected);
}

bool LayerScope::has(std::string_view key) const {
  const Json* value = record_.config.find(key);
  return value != nullptr && !value->is_null();
}

const Json* LayerScope::get(std::string_view key) {
  read_.emplace(key);
  return has(key) ? record_.config.find(key) : nullptr;
}

Result<bool> LayerScope::flag(std::string_view key, bool otherwise) {
  const Json* value = get(key);
  if (value == nullptr) return otherwise;
  if (const bool* truth = value->boolean()) return *truth;
  if (const int64_t* number = value->integer(); number != nullptr && (*number == 0 || *number == 1))
    return *number == 1;
  return wrong(key, "true or false");
}

Result<int64_t> LayerScope::integer(std::string_view key, std::optional<int64_t> otherwise) {
  const Json* value = get(key);
  if (value == nullptr && otherwise) return *otherwise;
  if (value != nullptr && value->integer() != nullptr) return *value->integer();
  if (value != nullptr && value->is_number() &&
      value->number() == static_cast<double>(static_cast<int>(std::clamp(value->number(), -1e9, 1e9))))
    return static_cast<int64_t>(value->number());
  return wrong(key, "an integer");
}

Result<float> LayerScope::number(std::string_view key, float otherwise) {
  const Json* value = get(key);
  if (value == nullptr) return otherwise;
  if (value->is_number()) return static_cast<float>(value->number());
  // Keras 2 wrote numpy's scalars as objects.
  if (value->find_text("type") == "ndarray" || value->find_text("class_name") == "__numpy__") {
    const Json* inner = value->find("value");
    if (inner != nullptr && inner->is_number()) return static_cast<float>(inner->number());
  }
  return wrong(key, "a number");
}

Result<std::string> LayerScope::text(std::string_view key, std::string_view otherwise) {
  const Json* value = get(key);
  if (value == nullptr) return std::string(otherwise);
  if (value->text() != nullptr) return *value->text();
  return wrong(key, "a text");
}

Result<std::vector<int64_t>> LayerScope::integers(std::string_view key, size_t count,
                                                  std::vector<int64_t> otherwise) {
  const Json* value = get(key);
  if (value == nullptr) return otherwise;
  if (value->integer() != nullptr) return std::vector<int64_t>(std::max<size_t>(count, 1), *value->integer());
  const Json::List* items = value->list();
  if (items == nullptr || (count != 0 && items->size() != count && items->size() != 1))
    return wrong(key, count == 0 ? "integers" : format("{} integers", count));
  std::vector<int64_t> out;
  for (const Json& item : *items) {
    if (item.integer() == nullptr) return wrong(key, "integers");
    out.push_back(*item.integer());
  }
  if (count > 1 && out.size() == 1) out.resize(count, out[0]);
  return out;
}

void LayerScope::ignore_all() {
  if (const Json::Object* members = record_.config.object())
    for (const Json::Member& member : *members) read_.insert(member.key);
  for (const auto& [key, operand] : keywords_) keywords_read_.insert(key);
}

Result<bool> LayerScope::channels_first() {
  TRY(const std::string format, text("data_format", "channels_last"));
  if (format == "channels_first") return true;
  if (format == "channels_last") return false;
  return wrong("data_format", "channels_last or channels_first");
}

// What it is called with.

Result<ValueId> LayerScope::input() {
  if (arguments_.empty() || !(arguments_[0].is_tensor() || arguments_[0].is_list)) {
    // Some versions name the first argument.
    for (const char* name : {"inputs", "input", "x", "sequence"})
      if (const auto found = keywords_.find(name); found != keywords_.end() && found->second.is_tensor()) {
        keywords_read_.emplace(name);
        return found->second.value;
      }
    return Error::not_supported("it is called without a tensor");
  }
  arguments_read_ = std::max<size_t>(arguments_read_, 1);
  Values tensors;
  TRY(collect_tensors(arguments_[0], tensors));
  if (tensors.size() != 1)
    return Error::invalid_model("it is called with {} tensors, expected 1", tensors.size());
  return tensors[0];
}

Result<Values> LayerScope::inputs() {
  Values out;
  for (const Operand& argument : arguments_) {
    ++arguments_read_;
    if (!says_nothing(argument)) TRY(collect_tensors(argument, out));
  }
  if (out.empty()) return Error::not_supported("it is called without a tensor");
  return out;
}

Result<int> LayerScope::rank(ValueId value) const {
  if (!graph_.fact(value).rank_known()) return Error::not_supported("the rank of its input is not known");
  return graph_.fact(value).rank();
}

const Operand* LayerScope::argument(size_t position, std::string_view name) {
  if (position < arguments_.size()) {
    arguments_read_ = std::max(arguments_read_, position + 1);
    return is_none(arguments_[position]) ? nullptr : &arguments_[position];
  }
  const auto found = keywords_.find(name);
  if (found != keywords_.end()) {
    keywords_read_.emplace(name);
    return is_none(found->second) ? nullptr : &found->second;
  }
  const Json* value = get(name);
  if (value == nullptr) return nullptr;
  keywords_read_.emplace(name);
  Operand operand;
  operand.literal = *value;
  return &(keywords_[std::string(name)] = std::move(operand));
}

Result<ValueId> LayerScope::operand(const Operand& operand, ValueId like) {
  if (operand.is_tensor()) return operand.value;
  const bool* truth = operand.literal.boolean();
  if (operand.is_list || (!operand.literal.is_number() && truth == nullptr)) {
    if (const Json::List* items = operand.literal.list()) {
      std::vector<float> values;
      for (const Json& item : *items) {
        if (!item.is_number()) return Error::not_supported("it is called with {}", operand.literal.dump(100));
        values.push_back(static_cast<float>(item.number()));
      }
      const Tensor numbers = Tensor::of<float>({static_cast<int64_t>(values.size())}, values);
      TRY(Tensor tensor, numbers.cast(graph_.fact(like).dtype.value_or(DType::kF32)));
      return graph_.add_constant(format("{}/constant{}", name_, ++unnamed_constants_), std::move(tensor));
    }
    return Error::not_supported("it is called with {}",
                                operand.is_list ? "a list" : operand.literal.dump(100));
  }
  const DType dtype = like == kNone ? DType::kF32 : graph_.fact(like).dtype.value_or(DType::kF32);
  TRY(Tensor tensor,
      Tensor::scalar<double>(truth != nullptr ? *truth : operand.literal.number()).cast(dtype));
  return graph_.add_constant(format("{}/constant{}", name_, ++unnamed_constants_), std::move(tensor));
}

// Weights.

Result<std::vector<Weight>> LayerScope::variables() {
  return weights_.variables();
}

Result<std::vector<Tensor>> LayerScope::weights(std::initializer_list<std::string_view> names) {
  TRY(const std::vector<Weight> all, weights_.variables());
  if (all.size() != names.size())
    return Error::invalid_model("the file has {} weights for it, expected {} ({})", all.size(), names.size(),
                                join(std::vector<std::string>(names.begin(), names.end())));
  std::vector<Tensor> out;
  for (const Weight& weight : all) out.push_back(weight.tensor);
  return out;
}

ValueId LayerScope::constant(std::string_view role, Tensor tensor) {
  const std::string key = format("{}|{}|{}", weights_.path(), record_.name, role);
  const auto found = constants_.find(key);
  if (found != constants_.end() && graph_.fact(found->second).constant.identical(tensor))
    return found->second;
  const ValueId value = graph_.add_constant(format("{}/{}", name_, role), std::move(tensor));
  constants_[key] = value;
  return value;
}

ValueId LayerScope::integers_constant(const std::vector<int64_t>& values) {
  return graph_.add_constant(format("{}/constant{}", name_, ++unnamed_constants_),
                             Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

ValueId LayerScope::number_constant(float value) {
  return graph_.add_constant(format("{}/constant{}", name_, ++unnamed_constants_),
                             Tensor::scalar<float>(value));
}

// Building.

Result<Values> LayerScope::add_all(OpPtr op, Values inputs) {
  while (!inputs.empty() && inputs.back() == kNone) inputs.pop_back();
  std::string name = added_ == 0 ? name_ : format("{}/{}", name_, added_);
  ++added_;
  return graph_.add_node(std::move(name), std::move(op), std::move(inputs), kKnownLimitBytes);
}

Result<ValueId> LayerScope::add(OpPtr op, Values inputs) {
  TRY(const Values outputs, add_all(std::move(op), std::move(inputs)));
  return outputs.at(0);
}

Result<ValueId> LayerScope::transpose(ValueId value, std::vector<int64_t> perm) {
  TRY(const int rank, this->rank(value));
  if (is_identity(perm, rank)) return value;
  Transpose op;
  op.perm = std::move(perm);
  return add(std::move(op), {value});
}

Result<ValueId> LayerScope::to_last(ValueId value, bool channels_first) {
  TRY(const int rank, this->rank(value));
  if (!channels_first || rank <= 2) return value;
  std::vector<int64_t> perm{0};
  for (int axis = 2; axis < rank; ++axis) perm.push_back(axis);
  perm.push_back(1);
  return transpose(value, std::move(perm));
}

Result<ValueId> LayerScope::to_first(ValueId value, bool channels_first) {
  TRY(const int rank, this->rank(value));
  if (!channels_first || rank <= 2) return value;
  std::vector<int64_t> perm{0, rank - 1};
  for (int axis = 1; axis < rank - 1; ++axis) perm.push_back(axis);
  return transpose(value, std::move(perm));
}

Result<ValueId> LayerScope::reshape(ValueId value, std::vector<int64_t> shape) {
  return add(Reshape{}, {value, integers_constant(shape)});
}

Status LayerScope::finish() const {
  if (const Json::Object* members = record_.config.object())
    for (const Json::Member& member : *members)
      if (!read_.contains(member.key) && !is_harmless(member.key))
        return Error::not_supported("\"{}\" = {} is not known for this layer", member.key,
                                    member.value.dump(60));
  for (size_t i = arguments_read_; i < arguments_.size(); ++i)
    if (!says_nothing(arguments_[i]))
      return Error::not_supported("argument {} of its call is not known for this layer", i);
  for (const auto& [key, operand] : keywords_) {
    const bool harmless = std::ranges::find(kHarmlessArguments, key) != std::end(kHarmlessArguments);
    if (!harmless && !keywords_read_.contains(key) && !says_nothing(operand))
      return Error::not_supported("argument \"{}\" of its call is not known for this layer", key);
    if (key == "mask" && operand.is_tensor() && !keywords_read_.contains(key))
      return Error::not_supported("it is called with a mask");
    // Keras 3 writes down what training was when the model was made, and does not look at it again.
    if (const bool* truth = operand.literal.boolean();
        key == "training" && truth && *truth && file_.major < 3)
      return Error::not_supported("it is called with training=True: it gives another result at every run");
  }
  return {};
}

}  // namespace pochade::keras

#pragma once
// What the import of one call of one Keras layer sees and does. Each class of layers is one Row; its function
// reads the layer's configuration, inputs and weights through LayerScope and builds our operators:
//
//   Result<Values> leaky_relu(LayerScope& layer) {
//     TRY(const ValueId x, layer.input());
//     LeakyRelu op;
//     TRY(op.alpha, layer.number("alpha", 0.3f));
//     return layer.one(op, {x});
//   }
//
// A key of the configuration that the function does not read, and that is not known to matter to training
// only, makes the import fail: to ignore one could mean a wrong result.

#include <functional>
#include <optional>
#include <set>

#include "formats/keras/records.h"
#include "formats/keras/weights.h"
#include "graph/graph.h"

namespace pochade::keras {

class LayerScope;
using Values = std::vector<ValueId>;
using ImportFunction = Result<Values> (*)(LayerScope& layer);

struct Row {
  std::string_view class_name;
  ImportFunction import = nullptr;  ///< null: known, but refused, and `reason` says why
  std::string_view reason = {};
};

/// A value of a call: a tensor, a list, or a literal.
struct Operand {
  ValueId value = kNone;
  bool is_list = false;
  std::vector<Operand> items;
  Json literal;
  bool is_tensor() const { return value != kNone; }
};

/// What holds for the whole file.
struct FileFacts {
  int major = 2;        ///< of the Keras that wrote it
  bool theano = false;  ///< weights of convolutions are flipped
};

class LayerScope {
 public:
  using ImportInner =
      std::function<Result<Values>(const LayerRecord& layer, const Weights& weights, const Values& inputs)>;

  LayerScope(Graph& graph, const LayerRecord& record, Weights weights, const FileFacts& file,
             std::string name, std::map<std::string, ValueId>& constants, std::vector<Operand> arguments,
             std::map<std::string, Operand, std::less<>> keywords, ImportInner import_inner);

  // What the layer is.
  const std::string& name() const { return name_; }
  const LayerRecord& record() const { return record_; }
  const FileFacts& file() const { return file_; }
  const Graph& graph() const { return graph_; }

  // Configuration. A key that is absent or null gives `otherwise`.
  bool has(std::string_view key) const;
  const Json* get(std::string_view key);  ///< null if absent or null
  Result<bool> flag(std::string_view key, bool otherwise);
  Result<int64_t> integer(std::string_view key, std::optional<int64_t> otherwise = {});
  Result<float> number(std::string_view key, float otherwise);
  Result<std::string> text(std::string_view key, std::string_view otherwise);
  /// A list of `count` integers, or one that stands for all; `count` 0: any number of them.
  Result<std::vector<int64_t>> integers(std::string_view key, size_t count,
                                        std::vector<int64_t> otherwise = {});
  void ignore(std::string_view key) { read_.emplace(key); }
  void ignore_all();
  /// data_format is channels_first.
  Result<bool> channels_first();

  // What it is called with.
  /// The one tensor that it is called with.
  Result<ValueId> input();
  /// All tensors of its first argument (Keras 2 joins those of a call), and of the positional ones behind it.
  Result<Values> inputs();
  const Fact& fact(ValueId value) const { return graph_.fact(value); }
  Result<int> rank(ValueId value) const;
  /// The argument with this name, at this position, or under this name in the configuration; null if there is
  /// none or it is None.
  const Operand* argument(size_t position, std::string_view name);
  size_t argument_count() const { return arguments_.size(); }
  /// A tensor, or a number as a scalar of the dtype of `like`.
  Result<ValueId> operand(const Operand& operand, ValueId like);
  void ignore_argument(std::string_view name) { keywords_read_.emplace(name); }

  // Weights.
  /// Fails unless there are as many as `names`; "kernel" and the like are for the error.
  Result<std::vector<Tensor>> weights(std::initializer_list<std::string_view> names);
  Result<std::vector<Weight>> variables();
  const Weights& weight_source() const { return weights_; }
  /// The layer's constant of this role: made once, however often the layer is called.
  ValueId constant(std::string_view role, Tensor tensor);
  ValueId integers_constant(const std::vector<int64_t>& values);
  ValueId number_constant(float value);

  // Building.
  Result<ValueId> add(OpPtr op, Values inputs);
  template <typename D>
    requires std::derived_from<D, Op>
  Result<ValueId> add(D op, Values inputs) {
    return add(make_op(std::move(op)), std::move(inputs));
  }
  Result<Values> add_all(OpPtr op, Values inputs);
  template <typename D>
    requires std::derived_from<D, Op>
  Result<Values> one(D op, Values inputs) {
    TRY(const ValueId y, add(make_op(std::move(op)), std::move(inputs)));
    return Values{y};
  }
  Result<ValueId> transpose(ValueId value, std::vector<int64_t> perm);
  /// N,C,spatial... -> N,spatial...,C and back, where `channels_first`; rank 2 and less: unchanged.
  Result<ValueId> to_last(ValueId value, bool channels_first);
  Result<ValueId> to_first(ValueId value, bool channels_first);
  Result<ValueId> reshape(ValueId value, std::vector<int64_t> shape);
  /// Applies what `activation` names: a text, or a layer's configuration.
  Result<ValueId> activate(ValueId x, const Json* activation);
  /// The layer inside a wrapper, of the weights `attribute`.
  Result<Values> import_inner(const LayerRecord& layer, const Weights& weights, const Values& inputs) {
    return import_inner_(layer, weights, inputs);
  }

  /// After the import function: every key and argument read.
  Status finish() const;

 private:
  tl::unexpected<Error> wrong(std::string_view key, std::string_view expected) const;

  Graph& graph_;
  const LayerRecord& record_;
  Weights weights_;
  const FileFacts& file_;
  std::string name_;
  std::map<std::string, ValueId>& constants_;
  std::vector<Operand> arguments_;
  std::map<std::string, Operand, std::less<>> keywords_;
  ImportInner import_inner_;
  std::set<std::string, std::less<>> read_;
  std::set<std::string, std::less<>> keywords_read_;
  size_t arguments_read_ = 0;
  int added_ = 0;
  int unnamed_constants_ = 0;
};

/// Whether a key of a configuration only says how a layer is trained, built or named.
bool is_harmless(std::string_view key);

/// float32 elements, axes permuted: y's axis i is tensor's axis perm[i].
Result<Tensor> permuted(const Tensor& tensor, std::vector<int64_t> perm);

}  // namespace pochade::keras

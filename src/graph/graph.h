#pragma once
// Graph: what is computed. Portable; saved, compressed, exported. Edited through graph/edit.h only, once
// built.

#include <map>
#include <string>
#include <vector>

#include "graph/op.h"

namespace pochade {

/// Index of a value or a node; stable until compact(). kNone: an absent optional input or output.
using ValueId = int;
using NodeId = int;
constexpr int kNone = -1;

struct Value {
  std::string name;
  Fact fact;
  NodeId producer = kNone;  ///< kNone: a graph input, a state or a constant
  int output_index = 0;     ///< which output of the producer
};

struct Node {
  std::string name;
  OpPtr op;  ///< null: the node was removed
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
};

/// A named value that lives between runs: read as `read`, replaced by `next` at the end of a run.
struct State {
  std::string name;
  Tensor initial;
  ValueId read = kNone;
  ValueId next = kNone;
};

/// The graph's own outputs keep their names whatever value they come from.
struct GraphOutput {
  std::string name;
  ValueId value = kNone;
};

class Graph {
 public:
  // Building, by importers.
  ValueId add_input(std::string name, Fact fact);
  ValueId add_constant(std::string name, Tensor tensor);
  /// Infers the outputs' facts. Error context: the node's name and operator. With a limit, small results of
  /// constant inputs are evaluated: their facts become constant, the node stays.
  Result<std::vector<ValueId>> add_node(std::string name, OpPtr op, std::vector<ValueId> inputs,
                                        int64_t fold_limit_bytes = 0);
  void add_output(std::string name, ValueId value) { outputs_.push_back({std::move(name), value}); }
  /// A value that lives between runs, to be read; set_state_next() says what replaces it.
  ValueId add_state_value(std::string name, Tensor initial);
  void set_state_next(std::string_view name, ValueId next);
  void set_name(ValueId value, std::string name) { values_[index(value)].name = std::move(name); }

  const std::string& name() const { return name_; }
  void set_graph_name(std::string name) { name_ = std::move(name); }
  /// What the file says of itself: ONNX metadata_props, and "doc:NAME" for the documentation of an input or
  /// output.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  void set_metadata(std::string key, std::string text) { metadata_[std::move(key)] = std::move(text); }

  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<GraphOutput>& outputs() const { return outputs_; }
  const std::vector<State>& states() const { return states_; }
  const Value& value(ValueId id) const { return values_[index(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  int value_count() const { return static_cast<int>(values_.size()); }
  int node_count() const { return static_cast<int>(nodes_.size()); }
  const Fact& fact(ValueId id) const { return value(id).fact; }
  /// Facts of a node's inputs; kNone gives an absent Fact.
  Facts facts(const std::vector<ValueId>& ids) const;

  /// Living nodes, producers before users.
  std::vector<NodeId> topological_order() const;
  /// For each value, the living nodes that read it (a node twice if it reads it twice).
  std::vector<std::vector<NodeId>> users() const;
  bool is_output(ValueId id) const;
  bool is_input(ValueId id) const;

  /// Bytes of constants that nodes read, and their number of elements.
  int64_t parameter_count() const;
  int64_t parameter_bytes() const;

  /// Every rule of a valid graph: ids in range, no cycle, one producer a value, facts as infer() gives them.
  Status verify() const;
  /// One line a node: `%3 "relu1" float32 1x8x8x16 = Relu(%2)`.
  std::string dump() const;

 private:
  friend class Edit;
  friend class Retype;
  size_t index(ValueId id) const {
    CHECK(id >= 0 && id < static_cast<int>(values_.size()));
    return static_cast<size_t>(id);
  }

  std::string name_;
  std::map<std::string, std::string> metadata_;
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<ValueId> inputs_;
  std::vector<GraphOutput> outputs_;
  std::vector<State> states_;
};

/// infer(), then, if every input is constant and the result is at most `fold_limit_bytes`, eval(): the facts
/// become constant.
Result<Facts> infer_and_fold(const Op& op, std::span<const Fact> in, int64_t fold_limit_bytes);

/// Most bytes that one folded constant may take: folding must not blow a file up.
constexpr int64_t kFoldLimitBytes = int64_t{64} << 20;

}  // namespace pochade

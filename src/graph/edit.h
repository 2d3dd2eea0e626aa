#pragma once
// The only two ways to change a graph: Rewrite keeps every surviving Fact, Retype declares which Facts it
// changes.

#include <set>

#include "graph/graph.h"

namespace pochade {

/// A draft of the graph with changes collected. Nothing happens to the graph itself until apply().
class Edit {
 public:
  explicit Edit(const Graph& graph) : draft_(graph), original_values_(graph.value_count()) {}

  /// The graph with the changes so far; ids of the original stay valid in it.
  const Graph& graph() const { return draft_; }
  bool empty() const { return !changed_; }

  ValueId constant(std::string name, Tensor tensor);
  /// Adds a node and returns its first output. An error of infer() is kept and returned by apply().
  ValueId node(std::string name, OpPtr op, std::vector<ValueId> inputs) {
    return nodes(std::move(name), std::move(op), std::move(inputs))[0];
  }
  std::vector<ValueId> nodes(std::string name, OpPtr op, std::vector<ValueId> inputs);
  /// Another operator, or other inputs, behind the same outputs.
  void replace(NodeId node, OpPtr op, std::vector<ValueId> inputs);
  void set_inputs(NodeId node, std::vector<ValueId> inputs) {
    replace(node, draft_.node(node).op, std::move(inputs));
  }
  /// Whoever read `from` reads `to`; the graph's outputs keep their names. What nobody reads any more is
  /// removed by apply().
  void redirect(ValueId from, ValueId to);
  void set_metadata(std::string key, std::string text) {
    draft_.set_metadata(std::move(key), std::move(text));
    changed_ = true;
  }

 protected:
  Result<Graph> finish(const std::set<ValueId>& declared, bool all_declared, int64_t fold_limit_bytes) &&;
  Graph draft_;
  bool changed_ = false;

 private:
  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }
  ValueId original_values_;
  std::vector<std::pair<ValueId, ValueId>> redirects_;
  std::optional<Error> error_;
};

/// An edit that keeps every surviving Fact: apply() refuses anything else, removes dead nodes, and verifies
/// the graph.
class Rewrite : public Edit {
 public:
  using Edit::Edit;
  Result<Graph> apply() && { return std::move(*this).finish({}, false, 0); }
};

/// An edit that declares the values whose Fact changes. apply() re-infers all users and refuses undeclared
/// changes. The graph's own inputs and outputs change only when named.
class Retype : public Edit {
 public:
  using Edit::Edit;
  void declare(ValueId value) { declared_.insert(value); }
  /// Every value between the inputs and the outputs (freeing or fixing a size changes them all).
  void declare_inner_values() { all_inner_ = true; }
  /// Gives a graph input another Fact.
  Status retype_input(std::string_view name, Fact fact);
  Status declare_output(std::string_view name);
  /// A graph output comes from another value, whatever its Fact.
  Status retype_output(std::string_view name, ValueId value);
  /// With a limit, what becomes constant is evaluated (shape subgraphs, once sizes are known).
  Result<Graph> apply(int64_t fold_limit_bytes = 0) &&;

 private:
  std::set<ValueId> declared_;
  std::set<ValueId> declared_outputs_;
  bool all_inner_ = false;
};

}  // namespace pochade

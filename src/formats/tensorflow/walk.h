#pragma once
// Walks the file's graph from the outputs back to the inputs, and imports what it meets: whatever no output
// needs is never looked at. Functions are imported where they are called, loops once for each step, branches
// whose condition is known as the branch that is taken; of the others both sides are computed, and one
// chosen.

#include <map>
#include <set>
#include <unordered_map>

#include "formats/tensorflow/scope.h"

namespace pochade::tensorflow {

/// "node:3" of a graph; in a function "node:output:3", or the name of an argument.
struct Reference {
  std::string_view node;
  std::string_view output;  ///< a name; empty in graphs
  size_t index = 0;
  bool is_control = false;
};
Result<Reference> parse_reference(std::string_view text);

/// A loop of TensorFlow 1: while the condition is true, each Merge has the value of the step before.
struct LoopRecord {
  std::string_view name;  ///< of its frame
  struct Variable {
    size_t merge = 0;
    std::string_view enter;  ///< what the first step reads: the input of the Enter node
    std::string_view next;   ///< what the next step reads: the input of the NextIteration node
  };
  std::vector<Variable> variables;
  std::optional<size_t> condition;  ///< the LoopCond node
  struct Exit {
    size_t node = 0;
    size_t merge = 0;
  };
  std::vector<Exit> exits;
};

/// The nodes of a graph or a function, by name.
struct Body {
  const std::vector<NodeRecord>* nodes = nullptr;
  std::unordered_map<std::string_view, size_t> by_name;
  std::map<std::string_view, LoopRecord> loops;
  std::unordered_map<size_t, const LoopRecord*> loop_of_exit;
  std::set<size_t> loop_merges;

  static Result<Body> make(const std::vector<NodeRecord>& nodes);
  const NodeRecord& node(size_t i) const { return (*nodes)[i]; }
};

/// One run through a body: of the whole graph, of a function's call, of a step of a loop.
struct Frame {
  const Body& body;
  std::string prefix;  ///< of node names
  std::string suffix;
  const Attrs* arguments = nullptr;                   ///< attributes of the call
  std::unordered_map<std::string_view, Item> inputs;  ///< of the function
  Frame* outer = nullptr;                             ///< around a step of a loop
  const LoopRecord* loop = nullptr;
  int depth = 0;
  std::unordered_map<size_t, std::vector<Item>> results;
};

class Walker {
 public:
  Walker(ImportState& state, const GraphRecord& record) : state_(state), record_(record) {}

  /// What an edge carries, importing what it needs.
  Result<Item> output(Frame& frame, std::string_view reference);
  /// The body of the file's own graph or of one of its functions.
  Result<const Body*> body(const std::vector<NodeRecord>& nodes);

 private:
  Result<size_t> find_node(const Frame& frame, std::string_view name) const;
  Result<Item> result_of(Frame& frame, const Reference& reference) const;
  Status evaluate(Frame& frame, size_t node);
  Status import_node(Frame& frame, size_t node);
  Result<std::vector<Item>> import_items(Frame& frame, const NodeRecord& node, std::vector<Item> inputs,
                                         std::vector<Guard> guards);
  /// Whether a control input tells which side of a branch a node is on: a Switch, or its Identity.
  bool is_pivot(const Frame& frame, const Reference& reference) const;
  Result<std::vector<Item>> import_row(Frame& frame, const NodeRecord& node, std::vector<Item> inputs);

  Result<std::vector<Item>> call(Frame& frame, const NodeRecord& node, std::string_view attribute,
                                 std::vector<Item> inputs, const std::string& name);
  Result<std::vector<Item>> call(Frame& frame, const FunctionReference& function, std::vector<Item> inputs,
                                 const std::string& name);
  Result<std::vector<Item>> branch(Frame& frame, const NodeRecord& node, std::vector<Item> inputs);
  Result<std::vector<Item>> loop(Frame& frame, const NodeRecord& node, std::vector<Item> inputs);
  Status run_loop(Frame& frame, const LoopRecord& loop);
  Result<bool> decided(const Item& condition) const;
  Result<std::vector<Item>> switch_node(const std::vector<Item>& inputs);
  Result<std::vector<Item>> merge_node(const std::vector<Item>& inputs, const std::string& name);
  Result<Item> chosen(ValueId condition, const Item& yes, const Item& no, const std::string& name);
  std::string name_of(const Frame& frame, const NodeRecord& node) const {
    return frame.prefix + std::string(node.name) + frame.suffix;
  }

  ImportState& state_;
  const GraphRecord& record_;
  std::map<const std::vector<NodeRecord>*, Body> bodies_;
  std::unordered_map<const NodeRecord*, std::vector<Item>> constants_;  ///< once for all steps and calls
};

/// Operators that walk.cc itself knows.
bool is_control_flow(std::string_view op);

}  // namespace pochade::tensorflow

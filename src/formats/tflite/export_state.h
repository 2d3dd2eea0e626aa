#pragma once
// What lives between runs, as TFLite has it: inside the recurrent operators, or as variables.

#include "formats/tflite/export_scope.h"

namespace pochade::tflite {

/// The states that an LSTM of TFLite keeps by itself; an SVDF has one.
struct KeptStates {
  size_t h = 0, c = 0;  ///< indexes into Graph::states()
};

/// Which of these read and write states of zeros that nobody else sees, and the nodes in between, which only
/// reshape them and are not written.
struct StatePlan {
  std::unordered_map<NodeId, KeptStates> kept;
  std::set<NodeId> unwritten;
};
StatePlan plan_states(const Graph& graph);

/// Variables (VAR_HANDLE and so on) for all other states: their first values in a subgraph that runs once,
/// their reading at the beginning. write_back(), at the end, gives them their next values.
class VariableWriter {
 public:
  VariableWriter(ExportContext& context, const StatePlan& plan);
  void begin();
  void write_back();
  /// The subgraph with the first values; after the main one.
  void write_first_values();

 private:
  TensorIndex handle(size_t state);

  ExportContext& context_;
  std::vector<size_t> states_;
  std::vector<TensorIndex> handles_;
};

}  // namespace pochade::tflite

#pragma once
// The passes that make a graph simpler without changing what it computes, in order.

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "graph/graph.h"

namespace pochade {

struct PassOptions {
  std::string stop_after = {};  ///< name of the last pass to run, its first time; empty: all of them
  /// If not empty: the graph's text after each pass that changed it, NN_PASS.txt.
  std::filesystem::path dump_folder = {};
  bool half_to_float = true;  ///< compute float16 and bfloat16 networks in float32
  /// Leave DequantizeLinear and QuantizeLinear around real operators, and the weights as integers.
  bool keep_qdq = false;
};

struct PassInfo {
  std::string_view name;
  std::string_view meaning;  ///< one sentence
  /// The changed graph; empty if the pass found nothing.
  Result<std::optional<Graph>> (*run)(const Graph& graph, const PassOptions& options);
};

/// Every pass, in the order in which optimise() runs them.
std::span<const PassInfo> passes();

/// Runs the list until nothing changes. kInvalidArgument: `stop_after` is no pass (the error lists their
/// names). The error of a pass names it.
Result<Graph> optimise(Graph graph, const PassOptions& options = {});

}  // namespace pochade

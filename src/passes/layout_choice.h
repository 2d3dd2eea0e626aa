#pragma once
// Which nodes of a graph should run in another order of axes.

#include "passes/layouts.h"
#include "passes/move_axes.h"

namespace pochade {

struct LayoutChoice {
  std::vector<std::optional<MovedNode>> moved;  ///< by node: its second version, if it has one
  std::vector<bool> use_moved;                  ///< by node: whether that one is better
  int transposes = 0;                           ///< how many are needed then
  bool better = false;                          ///< than the graph as it stands, in number, size or place
};

/// The cheapest choice among the candidates found. `down_first`: looks for them behind the transposes first,
/// else before them.
LayoutChoice choose_layouts(const SeenGraph& graph, bool down_first);

}  // namespace pochade

#pragma once
// The cheapest way to give each of many things one of two states, by a minimum cut.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pochade {

/// Vertices get a side; an edge costs its weight if it leads from side 0 to side 1. minimize() finds the
/// cheapest choice (Dinic 1970: blocking flows in level graphs). The same calls in the same order give the
/// same answer.
class MinCut {
 public:
  using Vertex = int;
  static constexpr int64_t kInfinite = INT64_MAX / 4;

  MinCut();
  Vertex side_0() const { return 0; }  ///< stands on side 0
  Vertex side_1() const { return 1; }  ///< stands on side 1
  Vertex add_vertex();
  /// Costs `weight` when `from` is on side 0 and `to` on side 1.
  void add_edge(Vertex from, Vertex to, int64_t weight);
  /// The cost of the cheapest choice. Where two choices cost the same, as few vertices as possible are on
  /// side 0.
  int64_t minimize();
  /// After minimize().
  int side(Vertex vertex) const { return side_[static_cast<size_t>(vertex)]; }

 private:
  struct Edge {
    Vertex to;
    int64_t left;  // what may still flow
  };
  bool find_levels();
  int64_t push();

  std::vector<Edge> edges_;  // edge 2k and its reverse 2k + 1
  std::vector<std::vector<int>> leaving_;
  std::vector<int> level_;
  std::vector<size_t> next_;
  std::vector<int> side_;
};

}  // namespace pochade

#include "passes/min_cut.h"

#include <algorithm>

#include "base/check.h"

namespace pochade {

MinCut::MinCut() {
  add_vertex();
  add_vertex();
}

MinCut::Vertex MinCut::add_vertex() {
  leaving_.emplace_back();
  return static_cast<Vertex>(leaving_.size()) - 1;
}

void MinCut::add_edge(Vertex from, Vertex to, int64_t weight) {
  CHECK(weight >= 0);
  if (weight == 0 || from == to) return;
  leaving_[static_cast<size_t>(from)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({to, weight});
  leaving_[static_cast<size_t>(to)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({from, 0});
}

/// Distances from side 0 over edges that are not full. False if side 1 is out of reach.
bool MinCut::find_levels() {
  level_.assign(leaving_.size(), -1);
  level_[0] = 0;
  std::vector<Vertex> queue{side_0()};
  for (size_t head = 0; head < queue.size(); ++head) {
    const Vertex v = queue[head];
    for (const int e : leaving_[static_cast<size_t>(v)]) {
      const Edge& edge = edges_[static_cast<size_t>(e)];
      if (edge.left == 0 || level_[static_cast<size_t>(edge.to)] >= 0) continue;
      level_[static_cast<size_t>(edge.to)] = level_[static_cast<size_t>(v)] + 1;
      queue.push_back(edge.to);
    }
  }
  return level_[1] >= 0;
}

/// One more path of the level graph, walked without recursion: graphs are thousands of vertices deep.
int64_t MinCut::push() {
  std::vector<int> path;
  Vertex v = side_0();
  while (v != side_1()) {
    size_t& next = next_[static_cast<size_t>(v)];
    const auto& leaving = leaving_[static_cast<size_t>(v)];
    while (next < leaving.size()) {
      const Edge& edge = edges_[static_cast<size_t>(leaving[next])];
      if (edge.left > 0 && level_[static_cast<size_t>(edge.to)] == level_[static_cast<size_t>(v)] + 1) break;
      ++next;
    }
    if (next < leaving.size()) {
      path.push_back(leaving[next]);
      v = edges_[static_cast<size_t>(path.back())].to;
    } else {
      if (path.empty()) return 0;
      level_[static_cast<size_t>(v)] = -1;  // a dead end
      v = edges_[static_cast<size_t>(path.back() ^ 1)].to;
      path.pop_back();
    }
  }
  int64_t flow = kInfinite;
  for (const int e : path) flow = std::min(flow, edges_[static_cast<size_t>(e)].left);
  for (const int e : path) {
    edges_[static_cast<size_t>(e)].left -= flow;
    edges_[static_cast<size_t>(e ^ 1)].left += flow;
  }
  return flow;
}

int64_t MinCut::minimize() {
  int64_t cost = 0;
  while (find_levels()) {
    next_.assign(leaving_.size(), 0);
    while (const int64_t flow = push()) cost += flow;
  }
  side_.assign(leaving_.size(), 1);
  for (size_t v = 0; v < leaving_.size(); ++v)
    if (level_[v] >= 0) side_[v] = 0;
  return cost;
}

}  // namespace pochade

#include "passes/min_cut.h"

#include <gtest/gtest.h>

#include <random>

namespace pochade {
namespace {

TEST(MinCut, NothingConnectedCostsNothing) {
  MinCut cut;
  const auto v = cut.add_vertex();
  EXPECT_EQ(cut.minimize(), 0);
  EXPECT_EQ(cut.side(cut.side_0()), 0);
  EXPECT_EQ(cut.side(cut.side_1()), 1);
  EXPECT_EQ(cut.side(v), 1);
}

TEST(MinCut, TakesTheCheapestEdgeOfAChain) {
  MinCut cut;
  const auto a = cut.add_vertex(), b = cut.add_vertex();
  cut.add_edge(cut.side_0(), a, 5);
  cut.add_edge(a, b, 2);
  cut.add_edge(b, cut.side_1(), 4);
  EXPECT_EQ(cut.minimize(), 2);
  EXPECT_EQ(cut.side(a), 0);
  EXPECT_EQ(cut.side(b), 1);
}

TEST(MinCut, EdgesFromSideOneToSideZeroAreFree) {
  MinCut cut;
  const auto a = cut.add_vertex(), b = cut.add_vertex();
  cut.add_edge(cut.side_0(), b, MinCut::kInfinite);
  cut.add_edge(a, cut.side_1(), MinCut::kInfinite);
  cut.add_edge(a, b, 7);
  EXPECT_EQ(cut.minimize(), 0);
}

TEST(MinCut, AgreesWithTryingEveryChoice) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const int vertices = 2 + static_cast<int>(random() % 9);
    struct E {
      int from, to;
      int64_t weight;
    };
    std::vector<E> edges;
    MinCut cut;
    for (int v = 2; v < vertices; ++v) cut.add_vertex();
    const int count = static_cast<int>(random() % 30);
    for (int e = 0; e < count; ++e) {
      const E edge{static_cast<int>(random()) % vertices, static_cast<int>(random()) % vertices,
                   static_cast<int64_t>(random() % 10)};
      const E positive{std::abs(edge.from), std::abs(edge.to), edge.weight};
      edges.push_back(positive);
      cut.add_edge(positive.from, positive.to, positive.weight);
    }
    const auto cost_of = [&](auto&& side) {
      int64_t cost = 0;
      for (const E& e : edges)
        if (side(e.from) == 0 && side(e.to) == 1) cost += e.weight;
      return cost;
    };
    int64_t best = MinCut::kInfinite;
    for (int choice = 0; choice < 1 << vertices; ++choice)
      if ((choice & 1) == 0 && (choice & 2) != 0)
        best = std::min(best, cost_of([&](int v) { return choice >> v & 1; }));
    EXPECT_EQ(cut.minimize(), best);
    EXPECT_EQ(cost_of([&](int v) { return cut.side(v); }), best);
  }
}

TEST(MinCut, DeepGraphsDoNotRecurse) {
  MinCut cut;
  auto v = cut.side_0();
  for (int i = 0; i < 200000; ++i) {
    const auto next = cut.add_vertex();
    cut.add_edge(v, next, 3);
    v = next;
  }
  cut.add_edge(v, cut.side_1(), 1);
  EXPECT_EQ(cut.minimize(), 1);
}

}  // namespace
}  // namespace pochade

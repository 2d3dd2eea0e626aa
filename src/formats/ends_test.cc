#include "formats/ends.h"

#include <gtest/gtest.h>

#include "engine/session.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"

namespace pochade {
namespace {

/// y = s + x, and s becomes y.
Graph counter() {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{2}));
  const ValueId s = graph.add_state_value("sum", Tensor::of<float>({2}, {10, 20}));
  const ValueId y = graph.add_node("y", make_op(Add{}), {s, x}).value()[0];
  graph.set_state_next("sum", y);
  graph.add_output("y", y);
  return graph;
}

TEST(Ends, StatesBecomeInputsAndOutputs) {
  const Graph graph = states_as_ends(counter()).value();
  EXPECT_TRUE(graph.verify());
  EXPECT_TRUE(graph.states().empty());
  ASSERT_EQ(graph.inputs().size(), 2u);
  ASSERT_EQ(graph.outputs().size(), 2u);
  EXPECT_EQ(graph.value(graph.inputs()[1]).name, "sum");
  EXPECT_EQ(graph.outputs()[1].name, "sum_next");
  auto session = Session::create(graph);
  const auto out = session->run(Tensors{Tensor::of<float>({2}, {1, 2}), Tensor::of<float>({2}, {5, 6})});
  ASSERT_TRUE(out);
  EXPECT_EQ(to_floats(out->at(1)), (std::vector<float>{6, 8}));
}

TEST(Ends, StatesBecomeConstants) {
  const Graph graph = states_as_constants(counter()).value();
  EXPECT_TRUE(graph.states().empty());
  auto session = Session::create(graph);
  for (int run = 0; run < 2; ++run) {
    const auto out = session->run(Tensors{Tensor::of<float>({2}, {1, 2})});
    ASSERT_TRUE(out);
    EXPECT_EQ(to_floats(out->at(0)), (std::vector<float>{11, 22}));
  }
}

TEST(Ends, FromAValueOn) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{2}));
  const ValueId z = graph.add_input("z", Fact(DType::kF32, Shape{2}));
  const ValueId a = graph.add_node("a", make_op(Sqrt{}), {x}).value()[0];
  graph.set_name(a, "a");
  const ValueId b = graph.add_node("b", make_op(Add{}), {a, z}).value()[0];
  graph.add_output("y", b);
  const Graph cut = from_value(graph, "a").value();
  EXPECT_TRUE(cut.verify());
  ASSERT_EQ(cut.inputs().size(), 2u);
  EXPECT_EQ(cut.value(cut.inputs()[0]).name, "a");
  EXPECT_EQ(cut.value(cut.inputs()[1]).name, "z");
  EXPECT_EQ(cut.topological_order().size(), 1u);
  EXPECT_FALSE(from_value(graph, "x"));
  EXPECT_FALSE(from_value(graph, "nothing"));
}

}  // namespace
}  // namespace pochade

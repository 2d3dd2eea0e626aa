#include "passes/fuse_elementwise.h"

#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/chain.h"
#include "ops/elementwise/select.h"
#include "ops/testing.h"

namespace pochade {
namespace {

ValueId add_op(Graph& graph, OpPtr op, std::vector<ValueId> inputs) {
  return graph.add_node(std::string(op->name()), op, std::move(inputs)).value()[0];
}

Graph fused(const Graph& graph) {
  auto rewrite = fuse_elementwise(graph);
  EXPECT_TRUE(rewrite);
  auto out = std::move(*rewrite).apply();
  EXPECT_TRUE(out) << out.error().text();
  return *std::move(out);
}

TEST(FuseElementwise, JoinsWhatIsReadOnce) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Dims{Dim::named("N"), Dim(3)}));
  const ValueId bias = graph.add_constant("bias", floats({3}, {1, 2, -30}));
  const ValueId scaled = add_op(graph, make_op(Mul{}), {x, x});
  const ValueId shifted = add_op(graph, make_op(Add{}), {bias, scaled});
  const ValueId low = graph.add_constant("low", Tensor::scalar(0.0f)),
                high = graph.add_constant("high", Tensor::scalar(6.0f));
  const ValueId y = add_op(graph, make_op(Clip{}), {shifted, low, high});
  graph.add_output("y", y);

  const Graph out = fused(graph);
  ASSERT_EQ(out.node_count(), 1);
  const auto* chain = op_as<Chain>(*out.node(0).op);
  ASSERT_NE(chain, nullptr);
  EXPECT_EQ(chain->links.size(), 3u);
  EXPECT_EQ(to_string(out.fact(out.outputs()[0].value)), "float32 Nx3");
  Tensors in;
  for (const ValueId v : out.node(0).inputs)
    in.push_back(out.fact(v).is_constant() ? out.fact(v).constant : floats({2, 3}, {1, 2, 3, -1, 0, 6}));
  EXPECT_EQ(to_floats(run_op_1(*chain, in)), (std::vector<float>{2, 6, 0, 2, 2, 6}));
}

TEST(FuseElementwise, LeavesValuesThatOthersRead) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{4}));
  const ValueId a = add_op(graph, make_op(Exp{}), {x});
  const ValueId b = add_op(graph, make_op(Neg{}), {a});
  const ValueId c = add_op(graph, make_op(Add{}), {a, b});
  graph.add_output("c", c);
  // Exp is read twice; Neg and Add are one chain.
  const Graph out = fused(graph);
  EXPECT_EQ(out.node_count(), 2);

  Graph with_output = graph;
  with_output.add_output("b", b);
  EXPECT_EQ(fused(with_output).node_count(), 3);
}

TEST(FuseElementwise, StopsWhereTheShapeGrowsOrTheTypeChanges) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact(DType::kF32, Shape{1, 4}));
  const ValueId wide = graph.add_input("wide", Fact(DType::kF32, Shape{3, 4}));
  const ValueId a = add_op(graph, make_op(Exp{}), {x});
  const ValueId b = add_op(graph, make_op(Add{}), {a, wide});
  const ValueId c = add_op(graph, make_op(Less{}), {b, wide});
  graph.add_output("c", c);
  EXPECT_EQ(fused(graph).node_count(), 3);
}

}  // namespace
}  // namespace pochade

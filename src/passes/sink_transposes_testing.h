#pragma once
// Graphs in the layout of channel-first files, before and after sink_transposes(), for tests.

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "graph/evaluate.h"
#include "ops/conv/conv.h"
#include "ops/pool/global_pool.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"
#include "passes/sink_transposes.h"

namespace pochade {

inline Tensor random_tensor(const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  Tensor out = Tensor::make(DType::kF32, shape).value();
  for (float& x : out.mutable_data<float>()) x = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
  return out;
}

inline Tensor ints(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
}

/// A graph in the layout of channel-first files, as an importer builds it.
struct ChannelsFirstBuilder {
  Graph graph;
  uint32_t seed = 1;

  ValueId input(const Shape& shape) {
    return graph.add_input(format("x{}", graph.inputs().size()), Fact(DType::kF32, shape));
  }
  ValueId named_input(Dims dims) {
    return graph.add_input(format("x{}", graph.inputs().size()), Fact(DType::kF32, std::move(dims)));
  }
  void output(ValueId v) { graph.add_output(format("y{}", graph.outputs().size()), v); }
  std::vector<ValueId> nodes(OpPtr op, std::vector<ValueId> in) {
    auto out = graph.add_node(format("n{}", graph.node_count()), std::move(op), std::move(in));
    EXPECT_TRUE(out) << out.error().text();
    return out.value();
  }
  template <typename D>
  ValueId add(D op, std::vector<ValueId> in) {
    return nodes(make_op(std::move(op)), std::move(in))[0];
  }
  ValueId constant(Tensor tensor) {
    return graph.add_constant(format("c{}", graph.value_count()), std::move(tensor));
  }
  ValueId weights(const Shape& shape) { return constant(random_tensor(shape, ++seed)); }
  ValueId transpose(ValueId x, std::vector<int64_t> perm) {
    Transpose op;
    op.perm = std::move(perm);
    return add(op, {x});
  }
  const Fact& fact(ValueId v) const { return graph.fact(v); }
  /// 1x1 convolution of N,C,H,W.
  ValueId conv(ValueId x, int64_t channels) {
    const int64_t in = fact(x).dim(1).number();
    return transpose(add(Conv{}, {transpose(x, {0, 2, 3, 1}), weights({channels, 1, 1, in})}), {0, 3, 1, 2});
  }
  ValueId global_average(ValueId x) {
    return transpose(add(GlobalAveragePool{}, {transpose(x, {0, 2, 3, 1})}), {0, 3, 1, 2});
  }
  ValueId reshape(ValueId x, const std::vector<int64_t>& shape) {
    return add(Reshape{}, {x, constant(ints(shape))});
  }
};

inline Graph sunk(const Graph& graph) {
  Graph now = graph;
  for (int round = 0; round < 20; ++round) {
    auto rewrite = sink_transposes(now);
    EXPECT_TRUE(rewrite) << rewrite.error().text();
    if (!rewrite || rewrite->empty()) return now;
    const int before = count_activation_transposes(now);
    auto next = std::move(*rewrite).apply();
    EXPECT_TRUE(next) << next.error().text() << "\n" << now.dump();
    if (!next) return now;
    EXPECT_LE(count_activation_transposes(*next), before) << now.dump() << "\n" << next->dump();
    now = *std::move(next);
  }
  ADD_FAILURE() << "does not come to an end:\n" << now.dump();
  return now;
}

inline Tensors random_inputs(const Graph& graph, const std::vector<Shape>& shapes = {}) {
  Tensors out;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Shape shape = i < shapes.size() ? shapes[i] : graph.fact(graph.inputs()[i]).shape().value();
    out.push_back(random_tensor(shape, 77 + static_cast<uint32_t>(i)));
  }
  return out;
}

inline void expect_same(const Graph& a, const Graph& b, const Tensors& inputs) {
  const auto wanted = evaluate(a, inputs), got = evaluate(b, inputs);
  ASSERT_TRUE(wanted) << wanted.error().text() << "\n" << a.dump();
  ASSERT_TRUE(got) << got.error().text() << "\n" << b.dump();
  ASSERT_EQ(wanted->size(), got->size());
  for (size_t i = 0; i < wanted->size(); ++i) {
    ASSERT_EQ((*wanted)[i].dtype(), (*got)[i].dtype());
    ASSERT_EQ((*wanted)[i].shape(), (*got)[i].shape()) << a.dump() << b.dump();
    const auto x = to_floats((*wanted)[i]), y = to_floats((*got)[i]);
    for (size_t e = 0; e < x.size(); ++e)
      ASSERT_NEAR(x[e], y[e], 1e-4f * std::max(1.0f, std::fabs(x[e])))
          << "output " << i << " element " << e << "\n"
          << a.dump() << "\n"
          << b.dump();
  }
}

}  // namespace pochade

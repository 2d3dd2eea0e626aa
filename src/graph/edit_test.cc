#include "graph/edit.h"

#include <gtest/gtest.h>

namespace pochade {
namespace {

/// y = x + n, of the input's shape.
struct AddConstant final : OpOf<AddConstant> {
  static constexpr std::string_view kName = "AddConstant";
  int64_t n = 0;
  static void fields(auto& self, auto&& f) { f("n", self.n); }
  Result<Facts> infer(std::span<const Fact> in) const override {
    TRY(expect_inputs(in, 1, 1));
    return Facts{Fact(*in[0].dtype, in[0].dims)};
  }
  Result<Tensors> eval(std::span<const Tensor> in) const override {
    TRY(Tensor out, Tensor::make(in[0].dtype(), in[0].shape()));
    for (int64_t i = 0; i < out.elements(); ++i)
      out.mutable_data<float>()[i] = in[0].data<float>()[i] + static_cast<float>(n);
    return Tensors{out};
  }
};

/// float32 to int32: changes the Fact.
struct ToInt final : OpOf<ToInt> {
  static constexpr std::string_view kName = "ToInt";
  Result<Facts> infer(std::span<const Fact> in) const override {
    return Facts{Fact(DType::kI32, in[0].dims)};
  }
  Result<Tensors> eval(std::span<const Tensor> in) const override {
    TRY(Tensor out, in[0].cast(DType::kI32));
    return Tensors{out};
  }
};

OpPtr add(int64_t n) {
  return make_op<AddConstant>([&](AddConstant& op) { op.n = n; });
}

Graph chain() {
  Graph g;
  const ValueId x = g.add_input("x", Fact(DType::kF32, Dims{Dim(2), Dim::named("N")}));
  const ValueId a = g.add_node("a", add(1), {x}).value()[0];
  const ValueId b = g.add_node("b", add(2), {a}).value()[0];
  g.add_output("y", b);
  return g;
}

TEST(Op, EqualityHashAndTextComeFromTheFields) {
  const OpPtr one = add(1), same = add(1), two = add(2);
  EXPECT_TRUE(one->equals(*same));
  EXPECT_EQ(one->hash(), same->hash());
  EXPECT_FALSE(one->equals(*two));
  EXPECT_EQ(two->fields_text(), "n=2");
}

TEST(Rewrite, BypassedNodeIsRemovedAndTheOutputKeepsItsName) {
  const Graph g = chain();
  Rewrite rewrite(g);
  rewrite.redirect(g.outputs()[0].value, g.node(0).outputs[0]);
  const auto result = std::move(rewrite).apply();
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(result->node_count(), 1);
  EXPECT_EQ(result->outputs()[0].name, "y");
}

TEST(Rewrite, RefusesAReplacementOfAnotherType) {
  const Graph g = chain();
  Rewrite rewrite(g);
  const ValueId other = rewrite.node("cast", make_op(ToInt{}), {g.inputs()[0]});
  rewrite.redirect(g.outputs()[0].value, other);
  const auto result = std::move(rewrite).apply();
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text().find("int32"), std::string::npos) << result.error().text();
}

TEST(Rewrite, RefusesACycle) {
  const Graph g = chain();
  Rewrite rewrite(g);
  rewrite.set_inputs(0, {g.outputs()[0].value});
  EXPECT_FALSE(std::move(rewrite).apply());
}

TEST(Retype, FixingASizeReachesEveryUserOnlyWhenDeclared) {
  const Graph g = chain();
  Retype fixed(g);
  ASSERT_TRUE(fixed.retype_input("x", Fact(DType::kF32, Shape{2, 7})));
  const auto result = std::move(fixed).apply();  // 7 refines N: nothing to declare
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(to_string(result->fact(result->outputs()[0].value)), "float32 2x7");

  Retype freed(*result);
  ASSERT_TRUE(freed.retype_input("x", Fact(DType::kF32, Dims{Dim(3), Dim::named("N")})));
  EXPECT_FALSE(std::move(freed).apply());

  Retype declared(*result);
  ASSERT_TRUE(declared.retype_input("x", Fact(DType::kF32, Dims{Dim(3), Dim::named("N")})));
  declared.declare_inner_values();
  ASSERT_TRUE(declared.declare_output("y"));
  const auto changed = std::move(declared).apply();
  ASSERT_TRUE(changed) << changed.error().text();
  EXPECT_EQ(to_string(changed->fact(changed->outputs()[0].value)), "float32 3xN");
}

TEST(Retype, AnOutputThatWasNotNamedStays) {
  const Graph g = chain();
  Retype retype(g);
  ASSERT_TRUE(retype.retype_input("x", Fact(DType::kF32, Shape{5, 7})));
  retype.declare_inner_values();
  EXPECT_FALSE(std::move(retype).apply());
}

TEST(Retype, FoldsWhatBecomesConstant) {
  Graph g;
  const ValueId c = g.add_constant("c", Tensor::of<float>({2}, {1, 2}));
  const ValueId x = g.add_input("x", Fact(DType::kF32, Shape{2}));
  const ValueId a = g.add_node("a", add(1), {c}).value()[0];
  const ValueId b = g.add_node("b", add(1), {x}).value()[0];
  g.add_output("a", a);
  g.add_output("b", b);
  Retype retype(g);
  ASSERT_TRUE(retype.retype_input("x", Fact(DType::kF32, Shape{2})));
  const auto result = std::move(retype).apply(kFoldLimitBytes);
  ASSERT_TRUE(result) << result.error().text();
  const Fact& folded = result->fact(result->outputs()[0].value);
  ASSERT_TRUE(folded.is_constant());
  EXPECT_EQ(to_floats(folded.constant), (std::vector<float>{2, 3}));
}

}  // namespace
}  // namespace pochade

#include <gtest/gtest.h>

#include "passes/pipeline.h"
#include "passes/specialise.h"

namespace pochade {
namespace {

/// y = x + n, of the input's shape.
struct Plus final : OpOf<Plus> {
  static constexpr std::string_view kName = "Plus";
  int64_t n = 0;
  static void fields(auto& self, auto&& f) { f("n", self.n); }
  Result<Facts> infer(std::span<const Fact> in) const override {
    TRY(expect_inputs(in, 1, 1));
    return Facts{Fact(*in[0].dtype, in[0].dims)};
  }
  Result<Tensors> eval(std::span<const Tensor> in) const override {
    if (n < 0) return Error::invalid_model("cannot add {}", n);
    TRY(Tensor out, Tensor::make(in[0].dtype(), in[0].shape()));
    for (int64_t i = 0; i < out.elements(); ++i)
      out.mutable_data<float>()[i] = in[0].data<float>()[i] + static_cast<float>(n);
    return Tensors{out};
  }
};

/// The sizes of x, known as soon as they are numbers.
struct SizesOf final : OpOf<SizesOf> {
  static constexpr std::string_view kName = "SizesOf";
  Result<Facts> infer(std::span<const Fact> in) const override {
    if (const auto shape = in[0].shape())
      return Facts{Fact(Tensor::of<int64_t>({shape->rank()}, {shape->begin(), shape->end()}))};
    return Facts{Fact(DType::kI64, Dims{Dim(in[0].rank())})};
  }
  Result<Tensors> eval(std::span<const Tensor> in) const override {
    return Tensors{Tensor::of<int64_t>({in[0].rank()}, {in[0].shape().begin(), in[0].shape().end()})};
  }
};

/// 2 MiB of zeros made of one number.
struct Blow final : OpOf<Blow> {
  static constexpr std::string_view kName = "Blow";
  Result<Facts> infer(std::span<const Fact>) const override {
    return Facts{Fact(DType::kF32, Shape{1 << 19})};
  }
  Result<Tensors> eval(std::span<const Tensor>) const override {
    TRY(Tensor out, Tensor::make(DType::kF32, {1 << 19}));
    return Tensors{out};
  }
};

struct Noise final : OpOf<Noise> {
  static constexpr std::string_view kName = "Noise";
  bool deterministic() const override { return false; }
  Result<Facts> infer(std::span<const Fact>) const override { return Facts{Fact(DType::kF32, Shape{2})}; }
  Result<Tensors> eval(std::span<const Tensor>) const override {
    return Tensors{Tensor::of<float>({2}, {0, 0})};
  }
};

OpPtr plus(int64_t n) {
  return make_op<Plus>([&](Plus& op) { op.n = n; });
}
ValueId add(Graph& g, std::string name, OpPtr op, std::vector<ValueId> in) {
  return g.add_node(std::move(name), std::move(op), std::move(in)).value()[0];
}
const Fact& output(const Graph& g, size_t i) {
  return g.fact(g.outputs()[i].value);
}

TEST(FoldConstants, AChainOfConstantsBecomesOne) {
  Graph g;
  const ValueId c = g.add_constant("c", Tensor::of<float>({2}, {1, 2}));
  g.add_output("y", add(g, "b", plus(20), {add(g, "a", plus(10), {c})}));
  const auto out = optimise(g);
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(out->node_count(), 0);
  EXPECT_EQ(to_floats(output(*out, 0).constant), (std::vector<float>{31, 32}));
  EXPECT_EQ(out->outputs()[0].name, "y");
}

TEST(FoldConstants, LeavesNoiseAndWhatWouldBlowTheModelUp) {
  Graph g;
  const ValueId c = g.add_constant("c", Tensor::scalar(0.0f));
  g.add_output("big", add(g, "blow", make_op(Blow{}), {c}));
  g.add_output("noise", add(g, "noise", make_op(Noise{}), {}));
  const auto out = optimise(g);
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(out->node_count(), 2);
}

TEST(FoldConstants, AnErrorNamesPassNodeAndOperator) {
  Graph g;
  const ValueId c = g.add_constant("c", Tensor::scalar(0.0f));
  g.add_output("y", add(g, "bad", plus(-1), {c}));
  const auto out = optimise(g);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().text(), "pass fold_constants: node \"bad\" (Plus): cannot add -1");
}

TEST(Pipeline, UnknownStopIsRefusedAndKnownStopStops) {
  Graph g;
  g.add_output("y", add(g, "a", plus(1), {g.add_constant("c", Tensor::scalar(0.0f))}));
  const auto bad = optimise(g, {.stop_after = "fold_constant"});
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().text().find("fold_constants, "), std::string::npos) << bad.error().text();
  const auto folder = std::filesystem::temp_directory_path() / "pochade_pipeline_test";
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(optimise(g, {.stop_after = "fold_constants", .dump_folder = folder}));
  EXPECT_TRUE(std::filesystem::exists(folder / "00_imported.txt"));
  EXPECT_TRUE(std::filesystem::exists(folder / "01_fold_constants.txt"));
  std::filesystem::remove_all(folder);
}

Graph two_inputs() {
  Graph g;
  const ValueId x = g.add_input("x", Fact(DType::kF32, Dims{Dim::named("N"), Dim(3), Dim::named("H")}));
  const ValueId z = g.add_input("z", Fact(DType::kF32, Dims{Dim::named("N")}));
  g.add_output("y", add(g, "a", plus(1), {x}));
  g.add_output("sizes", add(g, "s", make_op(SizesOf{}), {x}));
  g.add_output("w", add(g, "b", plus(1), {z}));
  return g;
}

TEST(Specialise, NamesReachOtherInputsAndShapesBecomeConstants) {
  const auto out = specialise(two_inputs(), {{"x", {2, 3, 5}}});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(to_string(output(*out, 0)), "float32 2x3x5");
  EXPECT_EQ(to_int64s(output(*out, 1).constant), (std::vector<int64_t>{2, 3, 5}));
  EXPECT_EQ(to_string(output(*out, 2)), "float32 2");
  EXPECT_EQ(out->node_count(), 2);
}

TEST(Specialise, ErrorsNameInputAndSize) {
  const auto error = [](const std::map<std::string, Shape>& shapes) {
    const auto out = specialise(two_inputs(), shapes);
    return out ? std::string("none") : out.error().text();
  };
  EXPECT_EQ(error({{"x", {2, 3, 5}}, {"z", {4}}}), "size \"N\" is 2 and, in input \"z\", 4");
  EXPECT_EQ(error({{"z", {4}}}), "the model leaves sizes free: \"H\" of input \"x\" (Nx3xH)");
  EXPECT_EQ(error({{"x", {2, 4, 5}}}), "input \"x\" is Nx3xH, but the shape 2x4x5 was given");
  EXPECT_EQ(error({{"x", {2, 3}}}), "input \"x\" has rank 3 (Nx3xH), but the shape 2x3 was given");
  EXPECT_EQ(error({{"q", {2}}}), "the model has no input \"q\"; its inputs are x, z");
  EXPECT_EQ(error({{"z", {-1}}}), "input \"z\" cannot have the shape -1");
}

}  // namespace
}  // namespace pochade

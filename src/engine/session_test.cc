#include "engine/session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "ops/conv/conv.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/unary.h"
#include "ops/index/order.h"
#include "ops/shape/reshape.h"

// Counts what the tests below allocate, to prove that run() does not. GCC does not see that the pair belongs
// together.
namespace {
std::atomic<size_t> allocations = 0;
}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void* operator new(size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, size_t) noexcept {
  std::free(p);
}
#endif

namespace pochade {
namespace {

ValueId add(Graph& g, std::string name, OpPtr op, std::vector<ValueId> inputs) {
  return g.add_node(std::move(name), std::move(op), std::move(inputs)).value()[0];
}

Fact open_rows() {
  return Fact(DType::kF32, Dims{Dim::named("N"), Dim(4)});
}

Session open(Graph g, int threads = 1) {
  SessionOptions options;
  options.threads = threads;
  auto session = Session::create(std::move(g), options);
  EXPECT_TRUE(session) << session.error().text();
  return *std::move(session);
}

Tensor rows(std::initializer_list<float> values) {
  return Tensor::of<float>({static_cast<int64_t>(values.size()) / 4, 4}, values);
}

TEST(Session, EachShapeGetsItsPlanAndAWrongOneIsNamed) {
  Graph g;
  const ValueId x = g.add_input("x", open_rows());
  g.add_output("y", add(g, "relu", make_op(Relu{}), {x}));
  Session s = open(std::move(g));
  for (int round = 0; round < 3; ++round) {
    const auto one = s.run(std::array{rows({-1, 2, -3, 4})});
    ASSERT_TRUE(one) << one.error().text();
    EXPECT_EQ(to_floats((*one)[0]), (std::vector<float>{0, 2, 0, 4}));
    const auto two = s.run(std::array{rows({1, -2, 3, -4, 5, -6, 7, -8})});
    ASSERT_TRUE(two);
    EXPECT_EQ((*two)[0].shape(), (Shape{2, 4}));
  }
  const auto wrong = s.run(std::array{Tensor::of<float>({1, 3}, {1, 2, 3})});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text(), "input \"x\": has the shape 1x3, the model expects Nx4");
  const auto wrong_type = s.run(std::array{Tensor::of<int64_t>({1, 4}, {1, 2, 3, 4})});
  ASSERT_FALSE(wrong_type);
  EXPECT_NE(wrong_type.error().text().find("int64"), std::string::npos);
  EXPECT_FALSE(s.run(std::span<const Tensor>()));
}

TEST(Session, OutputsThatAreInputsConstantsViewsOrTheSameValueTwice) {
  Graph g;
  const ValueId x = g.add_input("x", open_rows());
  const ValueId c = g.add_constant("c", Tensor::of<float>({2}, {7, 8}));
  const ValueId flat = g.add_constant("flat", Tensor::of<int64_t>({1}, {-1}));
  const ValueId y = add(g, "neg", make_op(Neg{}), {x});
  g.add_output("x_again", x);
  g.add_output("constant", c);
  g.add_output("y", y);
  g.add_output("y_again", y);
  g.add_output("y_flat", add(g, "reshape", make_op(Reshape{}), {y, flat}));
  g.add_output("x_flat", add(g, "reshape2", make_op(Reshape{}), {x, flat}));
  Session s = open(std::move(g));
  const auto out = s.run(std::array{rows({1, 2, 3, 4})});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(to_floats((*out)[0]), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(to_floats((*out)[1]), (std::vector<float>{7, 8}));
  for (const size_t i : {2, 3, 4}) EXPECT_EQ(to_floats((*out)[i]), (std::vector<float>{-1, -2, -3, -4})) << i;
  EXPECT_EQ((*out)[4].shape(), (Shape{4}));
  EXPECT_EQ(to_floats((*out)[5]), (std::vector<float>{1, 2, 3, 4}));
}

TEST(Session, AValueThatIsReadAgainIsNotOverwrittenInPlace) {
  Graph g;
  const ValueId x = g.add_input("x", open_rows());
  const ValueId a = add(g, "a", make_op(Neg{}), {x});
  const ValueId b = add(g, "b", make_op(Relu{}), {a});
  const ValueId c = add(g, "c", make_op(Add{}), {a, b});
  g.add_output("y", add(g, "d", make_op(Add{}), {c, a}));
  Session s = open(std::move(g));
  const auto out = s.run(std::array{rows({1, -2, 3, -4})});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(to_floats((*out)[0]), (std::vector<float>{-2, 6, -6, 12}));
}

TEST(Session, SizesThatDependOnTheData) {
  Graph g;
  const ValueId x = g.add_input("x", open_rows());
  const ValueId n = add(g, "nonzero", make_op(NonZero{}), {add(g, "relu", make_op(Relu{}), {x})});
  g.add_output("where", n);
  Session s = open(std::move(g));
  auto few = s.run(std::array{rows({0, 2, 0, 0})});
  ASSERT_TRUE(few) << few.error().text();
  EXPECT_EQ((*few)[0].shape(), (Shape{2, 1}));
  EXPECT_EQ(to_int64s((*few)[0]), (std::vector<int64_t>{0, 1}));
  const auto more = s.run(std::array{rows({1, 2, 0, 3})});
  ASSERT_TRUE(more);
  EXPECT_EQ(to_int64s((*more)[0]), (std::vector<int64_t>{0, 0, 0, 0, 1, 3}));
  TensorView view;
  EXPECT_EQ(s.run(std::array{TensorView{DType::kF32, {1, 4}, (*few)[0].mutable_bytes()}}, std::array{view})
                .error()
                .code(),
            ErrorCode::kNotSupported);
}

TEST(Session, AStateLivesBetweenRunsUntilItIsReset) {
  Graph g;
  const ValueId x = g.add_input("x", Fact(DType::kF32, Shape{4}));
  const ValueId sum = g.add_state_value("sum", Tensor::of<float>({4}, {10, 10, 10, 10}));
  const ValueId next = add(g, "add", make_op(Add{}), {x, sum});
  g.set_state_next("sum", next);
  g.add_output("y", next);
  Session s = open(std::move(g));
  const Tensor one = Tensor::of<float>({4}, {1, 2, 3, 4});
  EXPECT_EQ(to_floats(s.run(std::array{one}).value()[0]), (std::vector<float>{11, 12, 13, 14}));
  EXPECT_EQ(to_floats(s.run(std::array{one}).value()[0]), (std::vector<float>{12, 14, 16, 18}));
  s.reset_state();
  EXPECT_EQ(to_floats(s.run(std::array{one}).value()[0]), (std::vector<float>{11, 12, 13, 14}));
}

/// Two convolutions with a residual: enough to have several kernels, scratch and threads at work.
Graph network() {
  Graph g;
  std::vector<float> weights(3 * 3 * 8 * 8);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<float>(static_cast<int>(i * 37 % 41) - 20) / 100;
  const ValueId x =
      g.add_input("x", Fact(DType::kF32, Dims{Dim(1), Dim::named("H"), Dim::named("W"), Dim(8)}));
  const ValueId w = g.add_constant("w", Tensor::of<float>({8, 3, 3, 8}, weights));
  const OpPtr conv = make_op<Conv>([](Conv& op) { op.window.auto_pad = AutoPad::kSameUpper; });
  const ValueId a = add(g, "relu", make_op(Relu{}), {add(g, "conv1", conv, {x, w})});
  g.add_output("y", add(g, "add", make_op(Add{}), {add(g, "conv2", conv, {a, w}), a}));
  return g;
}

Tensor picture(int64_t h, int64_t w) {
  Tensor t = Tensor::make(DType::kF32, {1, h, w, 8}).value();
  auto data = t.mutable_data<float>();
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<float>(static_cast<int>(i * 7919 % 1009) - 500) / 500;
  return t;
}

TEST(Session, SameBitsForAnyNumberOfThreads) {
  const Tensor x = picture(37, 53);
  Session one = open(network(), 1);
  const Tensor expected = one.run(std::array{x}).value()[0];
  for (const int threads : {2, 3, 5, 8}) {
    Session many = open(network(), threads);
    for (int round = 0; round < 20; ++round)
      EXPECT_TRUE(many.run(std::array{x}).value()[0].identical(expected)) << threads;
  }
}

TEST(Session, RunOnTheCallersMemoryAllocatesNothing) {
  Session s = open(network(), 2);
  Tensor x = picture(32, 32), y = Tensor::make(DType::kF32, x.shape()).value();
  const std::array in{TensorView{DType::kF32, x.shape(), x.mutable_bytes()}};
  const std::array out{TensorView{DType::kF32, y.shape(), y.mutable_bytes()}};
  ASSERT_TRUE(s.run(in, out));
  const size_t before = allocations;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(s.run(in, out));
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(y.identical(s.run(std::array{x}).value()[0]));
}

TEST(Session, ASizeBeyondTheMemoryLimitIsRefusedBeforeItIsTaken) {
  SessionOptions options;
  options.memory_limit_bytes = 1 << 20;
  Session s = Session::create(network(), options).value();
  EXPECT_TRUE(s.prepare(std::array{Shape{1, 32, 32, 8}}));
  const auto refused = s.prepare(std::array{Shape{1, 4096, 4096, 8}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kOutOfMemory);
  EXPECT_TRUE(s.prepare(std::array{Shape{1, 16, 16, 8}}));
}

TEST(Session, AStepCallbackEndsARun) {
  Session s = open(network());
  size_t calls = 0;
  s.on_step([&](size_t done, size_t all) {
    ++calls;
    EXPECT_LE(done, all);
    return false;
  });
  EXPECT_EQ(s.run(std::array{picture(8, 8)}).error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(calls, 1u);
  s.on_step(nullptr);
  EXPECT_TRUE(s.run(std::array{picture(8, 8)}));
}

TEST(Session, ManyPlansDoNotGrowMemoryWithoutBound) {
  Session s = open(network());
  int64_t largest = 0;
  for (int64_t size = 8; size < 40; ++size) {
    ASSERT_TRUE(s.run(std::array{picture(size, size)}));
    largest = std::max(largest, s.held_bytes());
  }
  Session fresh = open(network());
  ASSERT_TRUE(fresh.run(std::array{picture(39, 39)}));
  EXPECT_LE(largest, 5 * fresh.held_bytes());  // four plans and the weights
}

}  // namespace
}  // namespace pochade

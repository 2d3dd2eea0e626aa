// sink_transposes() on graphs of random operators.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/expand.h"
#include "ops/shape/pad.h"
#include "ops/shape/slice.h"
#include "passes/sink_transposes_testing.h"

namespace pochade {
namespace {

/// Adds random operators on small tensors, with transposes everywhere.
class RandomGraph {
 public:
  explicit RandomGraph(uint32_t seed) : random_(seed) {
    b_.seed = seed;
    values_ = {b_.input({2, 3, 4, 5}), b_.input({1, 4, 3, 4})};
    const int count = 4 + below(24);
    for (int i = 0; i < count; ++i) add_one();
    for (int i = 0; i < 1 + below(3); ++i) b_.output(recent(3));
  }
  const Graph& graph() const { return b_.graph; }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  bool coin() { return below(2) != 0; }
  /// One of the last so many values.
  ValueId recent(size_t most) {
    return values_[values_.size() - 1 -
                   static_cast<size_t>(below(static_cast<int>(std::min(values_.size(), most))))];
  }
  template <typename D>
  void add(D op, std::vector<ValueId> inputs) {
    values_.push_back(b_.add(std::move(op), std::move(inputs)));
  }
  ValueId list(const std::vector<int64_t>& values) { return b_.constant(ints(values)); }

  void add_one() {
    x_ = recent(4);
    shape_ = b_.fact(x_).shape().value();
    if (shape_.elements() > 4000) return;
    rank_ = shape_.rank();
    axis_ = rank_ == 0 ? 0 : below(rank_);
    switch (below(4)) {
      case 0:
        return turn_or_compute();
      case 1:
        return reshape();
      case 2:
        return rank_ > 0 ? cut_or_spread() : turn_or_compute();
      default:
        return rank_ > 0 ? along_axis() : reshape();
    }
  }

  void turn_or_compute() {
    std::vector<int64_t> perm;
    for (int a = 0; a < rank_; ++a) perm.push_back(a);
    std::shuffle(perm.begin(), perm.end(), random_);
    switch (below(7)) {
      case 0:
      case 1:
        values_.push_back(b_.transpose(x_, perm));
        break;
      case 2:
        add(Relu{}, {x_});
        break;
      case 3:
        for (const ValueId y : values_)
          if (b_.fact(y).shape() == shape_ && coin()) return add(Add{}, {x_, y});
        break;
      case 4: {
        Shape c;
        for (int a = below(rank_ + 1); a < rank_; ++a) c.push_back(coin() ? 1 : shape_[a]);
        coin() ? add(Add{}, {x_, b_.weights(c)}) : add(Mul{}, {b_.weights(c), x_});
        break;
      }
      case 5:
        if (rank_ == 4 && shape_[1] > 0) values_.push_back(b_.conv(x_, 1 + below(4)));
        break;
      default:
        if (rank_ == 4) values_.push_back(b_.global_average(x_));
    }
  }

  /// Merges, splits, adds or drops axes.
  void reshape() {
    std::vector<int64_t> to(shape_.begin(), shape_.end());
    switch (below(5)) {
      case 0: {
        if (rank_ < 2) break;
        const auto at = static_cast<std::ptrdiff_t>(below(rank_ - 1));
        to[static_cast<size_t>(at)] *= to[static_cast<size_t>(at) + 1];
        to.erase(to.begin() + at + 1);
        values_.push_back(b_.reshape(x_, to));
        break;
      }
      case 1:
        if (rank_ == 0 || rank_ > 5) break;
        for (const int64_t factor : {2, 3})
          if (to[static_cast<size_t>(axis_)] % factor == 0) {
            to[static_cast<size_t>(axis_)] /= factor;
            to.insert(to.begin() + axis_, factor);
            break;
          }
        values_.push_back(b_.reshape(x_, to));
        break;
      case 2:
        if (rank_ < 6) add(Unsqueeze{}, {x_, list({below(rank_ + 1)})});
        break;
      case 3:
        if (rank_ > 1 && shape_[axis_] == 1) add(Squeeze{}, {x_, list({axis_})});
        break;
      default: {
        if (rank_ < 2) break;
        const ValueId flat = b_.add(Flatten{}, {x_});
        add(MatMul{}, {flat, b_.weights({b_.fact(flat).dim(1).number(), 4})});
      }
    }
  }

  /// Takes elements away or gives more of them.
  void cut_or_spread() {
    switch (below(7)) {
      case 0: {
        Concat concat;
        concat.axis = axis_ - (coin() ? rank_ : 0);
        return add(concat, {x_, x_});
      }
      case 1:
        return add(Slice{}, {x_, list({0}), list({std::max<int64_t>(1, shape_[axis_] - 1)}), list({axis_})});
      case 2: {
        std::vector<int64_t> pads;
        for (int i = 0; i < 2 * rank_; ++i) pads.push_back(below(2));
        return add(Pad{}, {x_, list(pads)});
      }
      case 3: {
        Split split;
        split.axis = axis_;
        split.outputs = 2;
        if (shape_[axis_] > 1)
          for (const ValueId part : b_.nodes(make_op(split), {x_})) values_.push_back(part);
        return;
      }
      case 4: {
        Gather gather;
        gather.axis = axis_;
        return add(gather, {x_, coin() ? list({0, -1}) : b_.constant(Tensor::scalar<int64_t>(0))});
      }
      case 5: {
        Resize resize;
        resize.axes = {axis_};
        return add(resize, {x_, kNone, kNone, list({shape_[axis_] + 1})});
      }
      default: {
        std::vector<int64_t> sizes;
        for (const int64_t size : shape_) sizes.push_back(size == 1 ? 2 : 1);
        add(Expand{}, {x_, list(sizes)});
      }
    }
  }

  void along_axis() {
    switch (below(7)) {
      case 0: {
        ReduceMean mean;
        mean.keep_dims = coin();
        if (rank_ > 1) add(mean, {x_, list({axis_ - rank_})});
        break;
      }
      case 1: {
        Softmax softmax;
        softmax.axis = axis_;
        softmax.to_end = coin();
        add(softmax, {x_});
        break;
      }
      case 2:
        if (rank_ > 1) add(MatMul{}, {x_, b_.weights({shape_.back(), 1 + below(4)})});
        break;
      case 3: {
        ArgMax arg;
        arg.axis = axis_;
        arg.keep_dims = coin();
        if (rank_ > 1) add(Cast{}, {b_.add(arg, {x_})});
        break;
      }
      case 4:
        add(CumSum{}, {x_, b_.constant(Tensor::scalar<int64_t>(axis_))});
        break;
      case 5: {
        TopK top;
        top.axis = axis_;
        values_.push_back(b_.nodes(make_op(top), {x_, list({1})})[0]);
        break;
      }
      default:
        add(LayerNormalization{}, {x_, b_.weights({shape_.back()})});
    }
  }

  std::mt19937 random_;
  ChannelsFirstBuilder b_;
  std::vector<ValueId> values_;
  ValueId x_ = kNone;  ///< what the next operator reads
  Shape shape_;
  int rank_ = 0, axis_ = 0;
};

TEST(SinkTransposes, RandomGraphsGiveTheSameAndNeverMoreTransposes) {
  int before = 0, after = 0;
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = RandomGraph(seed).graph();
    const Graph result = sunk(graph);
    expect_same(graph, result, random_inputs(graph));
    if (HasFatalFailure() || HasNonfatalFailure()) return;
    before += count_activation_transposes(graph);
    after += count_activation_transposes(result);
  }
  EXPECT_LT(after * 2, before);  // these graphs are full of what cancels
}

TEST(SinkTransposes, RandomGraphsOfUnknownSizesGiveTheSame) {
  int freed = 0, transposes = 0;
  for (uint32_t seed = 5000; seed < 5600; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = RandomGraph(seed).graph();
    Retype retype(graph);
    ASSERT_TRUE(retype.retype_input(
        "x0", Fact(DType::kF32, Dims{Dim::named("N"), Dim(3), Dim::named("H"), Dim::named("W")})));
    ASSERT_TRUE(retype.retype_input("x1", Fact(DType::kF32, Dims{Dim(), Dim(4), Dim(3), Dim::named("V")})));
    retype.declare_inner_values();
    for (const GraphOutput& output : graph.outputs()) ASSERT_TRUE(retype.declare_output(output.name));
    const auto unknown = std::move(retype).apply();
    if (!unknown) continue;  // its constants allow no other sizes
    ++freed;
    const Graph result = sunk(*unknown);
    expect_same(graph, result, random_inputs(graph));
    if (HasFatalFailure() || HasNonfatalFailure()) return;
    transposes += count_activation_transposes(*unknown) - count_activation_transposes(result);
  }
  EXPECT_GT(freed, 100);
  EXPECT_GT(transposes, 200);
}

}  // namespace
}  // namespace pochade

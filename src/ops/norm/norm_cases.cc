#include "ops/cases.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/local_normalization.h"
#include "ops/norm/softmax.h"

namespace pochade {
namespace {

const std::vector<Shape> kPictures = {{1, 9, 11, 1}, {1, 9, 11, 3},   {2, 9, 11, 8},  {1, 9, 11, 15},
                                      {3, 4, 5, 17}, {1, 33, 31, 32}, {1, 1, 1, 5},   {1, 60, 70, 3},
                                      {2, 19, 7},    {1, 2, 3, 4, 5}, {1, 90, 90, 16}};

void add_by_channel(Cases& cases) {
  for (const Shape& x : kPictures)
    for (const bool relu : {false, true}) {
      Activation act;
      if (relu) act.kind = Activation::Kind::kRelu;
      InstanceNormalization instance;
      instance.act = act;
      const Shape channels{x.back()};
      cases.add("x{}_relu{}", instance, x, relu)
          .input(f32(x))
          .weight(f32(channels))
          .weight(f32(channels))
          .tolerance(1e-4, 2e-5);
      BatchNormalization batch;
      batch.act = act;
      cases.add("x{}_relu{}", batch, x, relu)
          .input(f32(x))
          .weight(f32(channels))
          .weight(f32(channels))
          .weight(f32(channels))
          .weight(f32(channels, 0.1, 2))
          .tolerance(1e-5, 2e-5);
    }
  // A mean that is large beside the deviation: the sum of squares alone would lose it.
  cases.add("large_mean", InstanceNormalization{})
      .input(f32({1, 40, 50, 6}, 1000, 1001))
      .weight(f32({6}))
      .weight(f32({6}))
      .tolerance(1e-3, 1e-3);
  cases.add("computed_parameters", InstanceNormalization{})
      .input(f32({2, 8, 9, 6}))
      .input(f32({6}))
      .input(f32({6}))
      .tolerance(1e-4, 2e-5);
  BatchNormalization plain;
  cases.add("x5x7", plain)
      .input(f32({5, 7}))
      .weight(f32({7}))
      .weight(f32({7}))
      .weight(f32({7}))
      .weight(f32({7}, 0.1, 2))
      .tolerance(1e-5, 2e-5);
  for (const int64_t groups : {1, 2, 4, 8})
    for (const bool by_group : {false, true}) {
      GroupNormalization op;
      op.groups = groups;
      const Shape parameters{by_group ? groups : 8};
      cases.add("groups{}_by_group{}", op, groups, by_group)
          .input(f32({2, 9, 10, 8}))
          .weight(f32(parameters))
          .weight(f32(parameters))
          .tolerance(1e-4, 2e-5);
    }
}

void add_rows(Cases& cases) {
  for (const int64_t columns : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 768}) {
    LayerNormalization layer;
    cases.add("columns{}", layer, columns)
        .input(f32({3, 5, columns}))
        .weight(f32({columns}))
        .weight(f32({columns}))
        .tolerance(1e-4, 5e-5);
    cases.add("columns{}", Softmax{}, columns).input(f32({3, 5, columns}, -10, 10));
    cases.add("columns{}", LogSoftmax{}, columns).input(f32({3, 5, columns}, -10, 10));
  }
  for (const int64_t size : {1, 2, 3, 5, 9})
    for (const float beta : {0.75f, 0.5f}) {
      Lrn lrn;
      lrn.size = size;
      lrn.alpha = 0.5f;
      lrn.beta = beta;
      cases.add("size{}_beta{}", lrn, size, beta).input(f32({2, 5, 6, 7}, -2, 2));
    }
  LayerNormalization wide;
  wide.axis = 1;
  wide.with_statistics = true;
  cases.add("axis1_statistics", wide)
      .input(f32({4, 5, 6}))
      .weight(f32({5, 6}))
      .no_input()
      .tolerance(1e-4, 5e-5);
  for (const int64_t axis : {0, 1, 2})
    for (const bool to_end : {false, true}) {
      Softmax softmax;
      softmax.axis = axis;
      softmax.to_end = to_end;
      cases.add("axis{}_to_end{}", softmax, axis, to_end).input(f32({5, 6, 19}, -10, 10));
      LogSoftmax log;
      log.axis = axis;
      log.to_end = to_end;
      cases.add("axis{}_to_end{}", log, axis, to_end).input(f32({5, 6, 19}, -10, 10));
    }
  cases.add("large_numbers", Softmax{}).input(f32({2, 9}, 1000, 1100));
  cases.add("classes", Softmax{}).input(f32({1, 4420, 2}, -10, 10));
}

}  // namespace

Cases norm_cases() {
  Cases cases;
  add_by_channel(cases);
  add_rows(cases);
  return cases;
}

}  // namespace pochade

#include <algorithm>

#include "formats/keras/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/variadic.h"
#include "ops/matrix/einsum.h"
#include "ops/norm/local_normalization.h"
#include "ops/shape/concat.h"
#include "ops/shape/reshape.h"

namespace pochade::keras {
namespace {

/// Inputs of smaller rank get axes of size 1 behind the batch.
Result<Values> equal_ranks(LayerScope& layer) {
  TRY(Values inputs, layer.inputs());
  int most = 0;
  for (const ValueId input : inputs) {
    TRY(const int rank, layer.rank(input));
    most = std::max(most, rank);
  }
  for (ValueId& input : inputs) {
    TRY(const int rank, layer.rank(input));
    if (rank == most) continue;
    std::vector<int64_t> axes;
    for (int axis = 1; axis <= most - rank; ++axis) axes.push_back(axis);
    TRY(input, layer.add(Unsqueeze{}, {input, layer.integers_constant(axes)}));
  }
  return inputs;
}

template <typename Op>
Result<ValueId> chain(LayerScope& layer, const Values& inputs) {
  ValueId out = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) {
    TRY(out, layer.add(Op{}, {out, inputs[i]}));
  }
  return out;
}

template <typename Op>
Result<Values> merge(LayerScope& layer) {
  TRY(const Values inputs, equal_ranks(layer));
  TRY(const ValueId y, chain<Op>(layer, inputs));
  return Values{y};
}

Result<Values> subtract(LayerScope& layer) {
  TRY(const Values inputs, equal_ranks(layer));
  if (inputs.size() != 2)
    return Error::invalid_model("it is called with {} tensors, expected 2", inputs.size());
  return layer.one(Sub{}, inputs);
}

Result<Values> average(LayerScope& layer) {
  TRY(const Values inputs, equal_ranks(layer));
  TRY(const ValueId sum, chain<Add>(layer, inputs));
  return layer.one(Div{}, {sum, layer.number_constant(static_cast<float>(inputs.size()))});
}

Result<Values> concatenate(LayerScope& layer) {
  TRY(const Values inputs, layer.inputs());
  Concat op;
  TRY(op.axis, layer.integer("axis", -1));
  return layer.one(op, inputs);
}

/// Sums of products along one axis of each; all other axes stay, those of the second behind those of the
/// first.
Result<Values> dot(LayerScope& layer) {
  TRY(Values inputs, layer.inputs());
  if (inputs.size() != 2)
    return Error::invalid_model("it is called with {} tensors, expected 2", inputs.size());
  TRY(const std::vector<int64_t> named, layer.integers("axes", 2));
  TRY(const bool normalize, layer.flag("normalize", false));
  if (named.size() != 2) return Error::invalid_model("axes is missing");
  std::string terms[2], result = "a";
  char next = 'b';
  constexpr char kSummed = 'z';
  for (size_t i = 0; i < 2; ++i) {
    TRY(const int rank, layer.rank(inputs[i]));
    const auto axis = normal_axis(named[i], rank);
    if (!axis || *axis == 0)
      return Error::invalid_model("axes holds {}, and input {} has {} dimensions", named[i], i, rank);
    if (normalize) {
      LpNormalization norm;
      norm.axis = *axis;
      TRY(inputs[i], layer.add(norm, {inputs[i]}));
    }
    terms[i] = "a";
    for (int at = 1; at < rank; ++at) {
      const char letter = at == *axis ? kSummed : next++;
      terms[i] += letter;
      if (letter != kSummed) result += letter;
    }
  }
  Einsum op;
  op.equation = format("{},{}->{}", terms[0], terms[1], result);
  TRY(const ValueId y, layer.add(op, inputs));
  if (result.size() > 1) return Values{y};
  return layer.one(Unsqueeze{}, {y, layer.integers_constant({1})});
}

constexpr Row kMergeRows[] = {
    {"Add", merge<Add>},
    {"Multiply", merge<Mul>},
    {"Maximum", merge<Max>},
    {"Minimum", merge<Min>},
    {"Subtract", subtract},
    {"Average", average},
    {"Dot", dot},
    {"Concatenate", concatenate},
};

}  // namespace

std::span<const Row> merge_rows() {
  return kMergeRows;
}

}  // namespace pochade::keras

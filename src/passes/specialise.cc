#include "passes/specialise.h"

#include <algorithm>

#include "graph/edit.h"
#include "passes/fold_constants.h"

namespace pochade {
namespace {

using Names = std::map<std::string, int64_t>;

std::string text_of(const Fact& fact) {
  return !fact.dims ? "any rank" : fact.dims->empty() ? "scalar" : join(*fact.dims, "x");
}

/// Checks `shape` against what the model says of the input and notes what its names stand for.
Status bind(const std::string& input, const Fact& fact, const Shape& shape, Names& names) {
  if (!shape.checked_elements())
    return Error::invalid_argument("input \"{}\" cannot have the shape {}", input, shape);
  if (!fact.dims) return {};
  if (fact.rank() != shape.rank())
    return Error::invalid_argument("input \"{}\" has rank {} ({}), but the shape {} was given", input,
                                   fact.rank(), text_of(fact), shape);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const Dim& dim = fact.dim(axis);
    if (dim.is_number() && !dim.is(shape[axis]))
      return Error::invalid_argument("input \"{}\" is {}, but the shape {} was given", input, text_of(fact),
                                     shape);
    if (!dim.is_named()) continue;
    const auto [at, added] = names.emplace(dim.name(), shape[axis]);
    if (!added && at->second != shape[axis])
      return Error::invalid_argument("size \"{}\" is {} and, in input \"{}\", {}", dim.name(), at->second,
                                     input, shape[axis]);
  }
  return {};
}

/// The input's sizes with names replaced; adds to `missing` what nothing tells.
Fact concrete(const Value& input, const std::map<std::string, Shape>& given, const Names& names,
              std::vector<std::string>& missing) {
  Fact out = input.fact;
  if (const auto found = given.find(input.name); found != given.end()) {
    out.dims = Dims(found->second.begin(), found->second.end());
    return out;
  }
  if (!out.dims) {
    missing.push_back(format("the shape of \"{}\"", input.name));
    return out;
  }
  for (size_t axis = 0; axis < out.dims->size(); ++axis) {
    Dim& dim = (*out.dims)[axis];
    if (dim.is_number()) continue;
    const auto found = names.find(dim.name());
    if (dim.is_named() && found != names.end()) {
      dim = found->second;
    } else {
      const std::string what = dim.is_named() ? format("\"{}\"", dim.name()) : format("dimension {}", axis);
      missing.push_back(format("{} of input \"{}\" ({})", what, input.name, text_of(input.fact)));
    }
  }
  return out;
}

}  // namespace

Result<Graph> specialise(const Graph& graph, const std::map<std::string, Shape>& input_shapes) {
  Names names;
  for (const auto& [name, shape] : input_shapes) {
    const auto input = std::find_if(graph.inputs().begin(), graph.inputs().end(),
                                    [&](ValueId v) { return graph.value(v).name == name; });
    if (input == graph.inputs().end()) {
      std::vector<std::string_view> known;
      for (const ValueId v : graph.inputs()) known.push_back(graph.value(v).name);
      return Error::invalid_argument("the model has no input \"{}\"; its inputs are {}", name, join(known));
    }
    TRY(bind(name, graph.fact(*input), shape, names));
  }

  Retype retype(graph);
  std::vector<std::string> missing;
  for (const ValueId v : graph.inputs())
    TRY(retype.retype_input(graph.value(v).name, concrete(graph.value(v), input_shapes, names, missing)));
  if (!missing.empty())
    return Result<Graph>(Error::invalid_argument("the model leaves sizes free: {}", join(missing)))
        .hint("Give the shape of each of these inputs.");
  retype.declare_inner_values();
  for (const GraphOutput& output : graph.outputs()) TRY(retype.declare_output(output.name));
  TRY(Graph fixed, std::move(retype).apply(kFoldLimitBytes));

  TRY(Rewrite folded, fold_plain_constants(fixed));
  return std::move(folded).apply();
}

}  // namespace pochade

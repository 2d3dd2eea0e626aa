#include "passes/free_sizes.h"

#include <algorithm>
#include <limits>

#include "ops/conv/conv_transpose.h"
#include "ops/matrix/gemm.h"
#include "ops/resize/resize.h"
#include "ops/shape/expand.h"
#include "ops/shape/reshape.h"
#include "ops/shape/slice.h"
#include "passes/specialise.h"

namespace pochade {
namespace {

bool is_free(const Dim& dim) { return !dim.is_number(); }
/// Whether a size that was freed may be among the dims. The batch does not count.
bool has_free_size(const Fact& fact) {
  return !fact.dims || (fact.dims->size() > 1 && std::any_of(fact.dims->begin() + 1, fact.dims->end(), is_free));
}

/// The axis of the height in a fixed N,C,H,W or N,H,W,C picture; the width follows. Empty: no such picture.
std::optional<int> height_axis(const Fact& fact) {
  if (!fact.dims || fact.rank() != 4) return std::nullopt;
  const auto few_channels = [&](int axis) { return fact.dim(axis).is(1) || fact.dim(axis).is(3); };
  const int axis = few_channels(1) ? 2 : few_channels(3) ? 1 : -1;
  if (axis < 0 || !fact.dim(axis).is_number() || !fact.dim(axis + 1).is_number()) return std::nullopt;
  return axis;
}

/// Pads instead of an output_shape, as they come out at the fixed size: the same cut (or extension) at every size.
Result<OpPtr> with_pads(const ConvTranspose& conv, const Fact& x, const Fact& w) {
  const auto filter = w.shape();
  if (!x.dims || !filter) return Error::not_supported("has an output_shape, but its input's rank or its filter is not known");
  ConvTranspose out = conv;
  out.window.auto_pad = AutoPad::kExplicit;
  out.output_shape.clear();
  const size_t axes = x.dims->size() - 2;
  out.window.pads_begin.assign(axes, 0);
  out.window.pads_end.assign(axes, 0);
  out.output_padding.assign(axes, 0);
  for (size_t i = 0; i < axes; ++i) {
    const int at = static_cast<int>(i) + 1;
    if (!x.dim(at).is_number()) return Error::not_supported("has an output_shape, but its input's size is not known");
    TRY(const WindowAxis axis, conv.resolve(i, (*filter)[at], x.dim(at).number()));
    out.window.pads_begin[i] = axis.pad_begin;
    out.window.pads_end[i] = axis.pad_end;
    out.output_padding[i] = axis.out - (axis.stride * (axis.in - 1) + axis.extent() - axis.pad_begin - axis.pad_end);
  }
  return make_op(std::move(out));
}

/// A node whose constants hold a size that was freed: it would go on with the old size, or fail.
std::optional<std::string> holds_a_size(const Graph& graph, const Node& node) {
  const Fact& x = graph.fact(node.inputs[0]);
  if (!has_free_size(x)) return std::nullopt;
  const auto ints = [&](size_t i) {
    return i < node.inputs.size() && node.inputs[i] != kNone ? constant_ints(graph.fact(node.inputs[i])) : std::nullopt;
  };
  if (op_as<Reshape>(*node.op) != nullptr) {
    const auto target = ints(1);
    const bool fixed = target && std::none_of(target->begin() + !target->empty(), target->end(), [](int64_t d) { return d <= 0; });
    if (fixed && !(*target).empty() && (*target)[0] > 0) return format("reshapes to the fixed {}", join(*target, "x"));
  } else if (op_as<Slice>(*node.op) != nullptr) {
    const auto starts = ints(1), ends = ints(2), axes = ints(3);
    for (size_t i = 0; ends && i < ends->size(); ++i) {
      const int64_t axis = axes && i < axes->size() ? (*axes)[i] : static_cast<int64_t>(i);
      if (x.dims && !is_free((*x.dims)[static_cast<size_t>(axis < 0 ? axis + x.rank() : axis)])) continue;
      if ((*ends)[i] > 0 && (*ends)[i] < std::numeric_limits<int32_t>::max()) return format("cuts at the fixed position {}", (*ends)[i]);
    }
  } else if (op_as<Resize>(*node.op) != nullptr) {
    if (const auto sizes = ints(3); sizes && !sizes->empty()) return format("resizes to the fixed {}", join(*sizes, "x"));
  } else if (op_as<Gemm>(*node.op) != nullptr || node.op->name() == "MatMul") {
    if (x.dims && is_free(x.dims->back())) return std::string("multiplies by weights that fit one size only");
  }
  return std::nullopt;
}

}  // namespace

Result<Graph> free_sizes(const Graph& graph) {
  Retype retype(graph);
  std::map<std::string, Shape> probe;
  for (const ValueId v : graph.inputs()) {
    const Value& input = graph.value(v);
    const auto axis = height_axis(input.fact);
    if (!axis) continue;
    Fact freed = input.fact;
    Shape shape;
    for (const Dim& dim : *freed.dims) shape.push_back(dim.is_number() ? dim.number() : 1);
    // Multiples of 64, so that no network's strides are in the way.
    shape[*axis] += 64;
    shape[*axis + 1] += 128;
    probe[input.name] = shape;
    const std::string suffix = probe.size() == 1 ? "" : std::to_string(probe.size());
    (*freed.dims)[static_cast<size_t>(*axis)] = Dim::named("H" + suffix);
    (*freed.dims)[static_cast<size_t>(*axis) + 1] = Dim::named("W" + suffix);
    TRY(retype.retype_input(input.name, freed));
  }
  if (probe.empty()) return Error::not_supported("no input is a picture of fixed size");
  retype.declare_inner_values();
  for (const GraphOutput& o : graph.outputs()) TRY(retype.declare_output(o.name));
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    const auto* conv = op_as<ConvTranspose>(*node.op);
    if (conv == nullptr || conv->output_shape.empty()) continue;
    TRY(OpPtr free_conv, with_pads(*conv, graph.fact(node.inputs[0]), graph.fact(node.inputs[1])).context("node \"{}\" (ConvTranspose)", node.name));
    retype.replace(n, std::move(free_conv), node.inputs);
  }
  TRY(Graph freed, std::move(retype).apply().context("its size cannot be freed"));
  for (const NodeId n : freed.topological_order()) {
    const Node& node = freed.node(n);
    if (node.inputs.empty() || node.inputs[0] == kNone) continue;
    if (const auto why = holds_a_size(freed, node))
      return Error::not_supported("its size cannot be freed: node \"{}\" ({}) {}", node.name, node.op->name(), *why);
  }
  TRY(specialise(freed, probe).context("its size cannot be freed"));  // another size must go through
  return freed;
}

}  // namespace pochade

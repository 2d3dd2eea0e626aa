#include "data/verify.h"

#include <algorithm>

#include "data/random_input.h"
#include "ops/elementwise/select.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantized.h"
#include "ops/shape/transpose.h"
#include "passes/pipeline.h"

namespace pochade {
namespace {

Result<Session> open(Graph graph, const VerifyOptions& options, bool optimise) {
  SessionOptions session = options.session;
  session.optimise = optimise;
  TRY(Session out, Session::create(std::move(graph), session));
  if (options.go_on) out.on_step([go_on = options.go_on](size_t, size_t) { return go_on(); });
  return out;
}

/// The name in b of each output of a: the same, or, where a converter renamed it, that of its position.
std::vector<std::string> matching_outputs(const Graph& a, const Graph& b) {
  std::vector<std::string> out;
  for (size_t i = 0; i < a.outputs().size(); ++i) {
    const std::string& name = a.outputs()[i].name;
    const bool shared = std::ranges::any_of(b.outputs(), [&](const auto& o) { return o.name == name; });
    out.push_back(shared ? name : b.outputs()[i].name);
  }
  return out;
}

/// Where each input of b stands among those of a: by name, else by position.
std::vector<size_t> matching_inputs(const Graph& a, const Graph& b) {
  std::vector<size_t> out;
  for (size_t j = 0; j < b.inputs().size(); ++j) {
    size_t found = j;
    for (size_t i = 0; i < a.inputs().size(); ++i)
      if (a.value(a.inputs()[i]).name == b.value(b.inputs()[j]).name) found = i;
    out.push_back(found);
  }
  return out;
}

Tensors permuted_inputs(const Tensors& inputs, const std::vector<size_t>& order) {
  Tensors out;
  for (const size_t i : order) out.push_back(inputs[i]);
  return out;
}

/// Results in the order of `names`.
Tensors by_name(const Graph& graph, const Tensors& results, const std::vector<std::string>& names) {
  Tensors out(names.size());
  for (size_t i = 0; i < names.size(); ++i)
    for (size_t j = 0; j < results.size(); ++j)
      if (graph.outputs()[j].name == names[i]) out[i] = results[j];
  return out;
}

bool within(const Difference& d, double tolerance) {
  return d.mismatch.empty() && d.max_relative <= tolerance;
}

/// `x` with its channels at the other end: first if they were last.
std::optional<Tensor> turned(const Tensor& x, bool to_last) {
  const int rank = x.shape().rank();
  if (rank < 3) return std::nullopt;
  Transpose op;
  for (int i = 0; i < rank; ++i)
    op.perm.push_back(to_last ? (i == 0 ? 0 : i % (rank - 1) + 1) : i < 2 ? i * (rank - 1) : i - 1);
  auto out = op.eval(Tensors{x});
  return out ? std::optional(std::move(out->front())) : std::nullopt;
}

/// The other model may hold the same value in another layout under that name; sizes alone do not tell
/// 32x32x32 channels-first from channels-last. The nearest way to read `y` counts; empty if there is none.
std::optional<Difference> compare_in_any_layout(const std::string& name, const Tensor& x, const Tensor& y) {
  std::optional<Difference> nearest;
  for (const auto& candidate : {std::optional(y), turned(y, true), turned(y, false)}) {
    if (!candidate || candidate->shape() != x.shape()) continue;
    Difference d = compare(name, x, *candidate);
    if (!nearest || d.psnr_db > nearest->psnr_db) nearest = std::move(d);
    if (nearest->max_abs == 0) break;
  }
  return nearest;
}

/// The name that a value had in its file: folded operators on integers say so.
std::string name_in_file(const Graph& graph, ValueId v) {
  constexpr std::string_view kFolded = "/integers";
  const std::string& name = graph.value(v).name;
  return name.ends_with(kFolded) ? name.substr(0, name.size() - kFolded.size()) : name;
}

/// The graph's values, as they stand in it, by the name in their file.
Result<std::map<std::string, Tensor>> all_values(const Graph& graph, const Tensors& inputs,
                                                 const VerifyOptions& options) {
  const Graph shown = with_all_outputs(graph);
  TRY(Session session, open(shown, options, false));
  TRY(const Tensors results, session.run(inputs));
  std::map<std::string, Tensor> out;
  for (size_t i = 0; i < results.size(); ++i) {
    const bool is_own = i < graph.outputs().size();
    out.emplace(is_own ? graph.outputs()[i].name : name_in_file(shown, shown.outputs()[i].value), results[i]);
  }
  return out;
}

/// The first value, in the order of execution, that both models name and that differs.
Result<std::optional<Difference>> first_difference(const Graph& a, const Graph& b,
                                                   std::span<const Shape> shapes,
                                                   const VerifyOptions& options) {
  TRY(const Tensors inputs, random_inputs(a, shapes, options.seed));
  TRY(const auto in_a, all_values(a, inputs, options));
  TRY(const auto in_b, all_values(b, permuted_inputs(inputs, matching_inputs(a, b)), options));
  for (const NodeId n : a.topological_order())
    for (const ValueId v : a.node(n).outputs) {
      const std::string name = name_in_file(a, v);
      const auto i = in_a.find(name), j = in_b.find(name);
      if (i == in_a.end() || j == in_b.end()) continue;
      auto d = compare_in_any_layout(name, i->second, j->second);
      if (!d || within(*d, options.tolerance)) continue;
      d->step = integer_step(a, v);
      return d;
    }
  return std::optional<Difference>();
}

bool has_integers(const Graph& graph) {
  return std::ranges::any_of(graph.topological_order(), [&](NodeId n) {
    const Op& op = *graph.node(n).op;
    return op_as<Quantized>(op) || op_as<DequantizeLinear>(op);
  });
}

/// Where two models part. Integers are looked at as they are computed: what a file says in real numbers may
/// round to the other side there.
Result<std::optional<Difference>> where_they_part(const Graph& a, const Graph& b,
                                                  std::span<const Shape> shapes,
                                                  const VerifyOptions& options) {
  if (has_integers(a) && has_integers(b)) {
    TRY(const Graph folded_a, optimise(a));
    TRY(const Graph folded_b, optimise(b));
    TRY(auto first, first_difference(folded_a, folded_b, shapes, options));
    if (first) return first;
  }
  return first_difference(a, b, shapes, options);
}

}  // namespace

Result<std::vector<Shape>> verify_shapes(const Graph& a, const VerifyOptions& options) {
  std::map<std::string, Shape> given = options.shapes;
  for (const ValueId id : a.inputs()) {
    const Value& input = a.value(id);
    if (options.open_size == 0 || given.contains(input.name) || !input.fact.dims) continue;
    Shape shape;
    for (size_t i = 0; i < input.fact.dims->size(); ++i) {
      const Dim& dim = (*input.fact.dims)[i];
      shape.push_back(dim.is_number() ? dim.number() : i == 0 ? 1 : options.open_size);
    }
    given[input.name] = shape;
  }
  return input_shapes(a, given);
}

double integer_step(const Graph& a, ValueId value) {
  while (value != kNone) {
    const Fact& fact = a.fact(value);
    if (fact.dtype == DType::kI8 || fact.dtype == DType::kU8) return 1;
    if (fact.dtype && is_integer(*fact.dtype) && fact.quantization) return 1;
    const NodeId producer = a.value(value).producer;
    if (producer == kNone || fact.dtype != DType::kF32) return 0;
    const Node& node = a.node(producer);
    if (op_as<DequantizeLinear>(*node.op)) {
      const Tensor scale = a.fact(node.inputs[1]).constant;
      return scale.defined() && scale.elements() == 1 ? static_cast<double>(to_floats(scale)[0]) : 0;
    }
    if (const auto* quantized = op_as<Quantized>(*node.op)) {
      const bool dequantizes = op_as<Identity>(*quantized->op) && quantized->in.size() == 1;
      const auto type = dequantizes ? quantized->in[0].quantization : nullptr;
      return type && type->scale.size() == 1 ? static_cast<double>(type->scale[0]) : 0;
    }
    const bool moves = node.op->only_reshapes() || op_as<Transpose>(*node.op);
    value = moves ? node.inputs[0] : kNone;
  }
  return 0;
}

Result<Verdict> verify_models(const Graph& a, const Graph& b, const VerifyOptions& options) {
  if (a.outputs().size() != b.outputs().size() || a.inputs().size() != b.inputs().size())
    return Error::invalid_argument("one has {} inputs and {} outputs, the other {} and {}", a.inputs().size(),
                                   a.outputs().size(), b.inputs().size(), b.outputs().size());
  TRY(const std::vector<Shape> shapes, verify_shapes(a, options));
  std::vector<std::string> names;
  for (const GraphOutput& output : a.outputs()) names.push_back(output.name);
  const std::vector<std::string> names_b = matching_outputs(a, b);
  TRY(Session sa, open(a, options, true));
  TRY(Session sb, open(b, options, true));
  Verdict verdict;
  for (int sample = 0; sample < options.samples; ++sample) {
    TRY(const Tensors inputs, random_inputs(a, shapes, options.seed + static_cast<uint64_t>(sample) * 1000));
    TRY(const Tensors results_a, sa.run(inputs));
    TRY(const Tensors results_b, sb.run(permuted_inputs(inputs, matching_inputs(a, b))));
    const Tensors ra = by_name(a, results_a, names), rb = by_name(b, results_b, names_b);
    for (size_t i = 0; i < names.size(); ++i) {
      Difference d = compare(names[i], ra[i], rb[i]);
      d.step = integer_step(a, a.outputs()[i].value);
      if (sample == 0)
        verdict.outputs.push_back(std::move(d));
      else
        keep_worst(verdict.outputs[i], d);
    }
  }
  verdict.same =
      std::ranges::all_of(verdict.outputs, [&](const Difference& d) { return within(d, options.tolerance); });
  // Where they part is a help, not the verdict: models whose inner values cannot all be outputs have none.
  if (!verdict.same)
    if (auto first = where_they_part(a, b, shapes, options)) verdict.first = *std::move(first);
  return verdict;
}

}  // namespace pochade

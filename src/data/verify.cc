#include "data/verify.h"

#include <algorithm>

#include "data/random_input.h"

namespace pochade {
namespace {

Result<Session> open(Graph graph, const VerifyOptions& options, bool optimise) {
  SessionOptions session = options.session;
  session.optimise = optimise;
  TRY(Session out, Session::create(std::move(graph), session));
  if (options.go_on) out.on_step([go_on = options.go_on](size_t, size_t) { return go_on(); });
  return out;
}

/// The shapes of a's inputs, with open_size where the model and the caller leave one open.
Result<std::vector<Shape>> shapes_of(const Graph& a, const VerifyOptions& options) {
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

/// The first value, in the order of execution, that both models name and that differs.
Result<std::optional<Difference>> first_difference(const Graph& a, const Graph& b,
                                                   std::span<const Shape> shapes,
                                                   const VerifyOptions& options) {
  TRY(const Tensors inputs, random_inputs(a, shapes, options.seed));
  TRY(Session sa, open(with_all_outputs(a), options, false));
  TRY(Session sb, open(with_all_outputs(b), options, false));
  TRY(const Tensors ra, sa.run(inputs));
  TRY(const Tensors rb, sb.run(permuted_inputs(inputs, matching_inputs(a, b))));
  std::map<std::string, size_t> in_a, in_b;
  for (size_t i = 0; i < ra.size(); ++i) in_a.emplace(sa.graph().outputs()[i].name, i);
  for (size_t j = 0; j < rb.size(); ++j) in_b.emplace(sb.graph().outputs()[j].name, j);
  for (const NodeId n : a.topological_order())
    for (const ValueId v : a.node(n).outputs) {
      const auto i = in_a.find(a.value(v).name), j = in_b.find(a.value(v).name);
      if (i == in_a.end() || j == in_b.end()) continue;
      const Tensor &x = ra[i->second], &y = rb[j->second];
      // The other model may hold the same value in another layout under that name.
      if (x.shape() != y.shape()) continue;
      const Difference d = compare(a.value(v).name, x, y);
      if (!within(d, options.tolerance)) return std::optional(d);
    }
  return std::optional<Difference>();
}

}  // namespace

Result<Verdict> verify_models(const Graph& a, const Graph& b, const VerifyOptions& options) {
  if (a.outputs().size() != b.outputs().size() || a.inputs().size() != b.inputs().size())
    return Error::invalid_argument("one has {} inputs and {} outputs, the other {} and {}", a.inputs().size(),
                                   a.outputs().size(), b.inputs().size(), b.outputs().size());
  TRY(const std::vector<Shape> shapes, shapes_of(a, options));
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
    if (auto first = first_difference(a, b, shapes, options)) verdict.first = *std::move(first);
  return verdict;
}

}  // namespace pochade

#include <cmath>
#include <cstdio>
#include <iostream>

#include "cli/common.h"
#include "cli/verbs.h"
#include "data/compare.h"
#include "data/random_input.h"
#include "formats/formats.h"

namespace pochade {
namespace {

struct Flags {
  std::string a, b;
  int samples = 3;
  uint64_t seed = 1;
  double tolerance = 1e-3;
  RunFlags run;
  bool json = false;
};

Session open(Graph graph, const Flags& flags, bool optimise) {
  SessionOptions options = flags.run.options();
  options.optimise = optimise;
  return value_or_fail(Session::create(std::move(graph), options));
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
std::optional<Difference> first_difference(const Graph& a, const Graph& b, std::span<const Shape> shapes,
                                           const Flags& flags) {
  const Tensors inputs = value_or_fail(random_inputs(a, shapes, flags.seed));
  Session sa = open(with_all_outputs(a), flags, false), sb = open(with_all_outputs(b), flags, false);
  const Tensors ra = value_or_fail(sa.run(inputs)), rb = value_or_fail(sb.run(inputs));
  std::map<std::string, size_t> in_b;
  for (size_t j = 0; j < rb.size(); ++j) in_b.emplace(sb.graph().outputs()[j].name, j);
  std::map<std::string, size_t> in_a;
  for (size_t i = 0; i < ra.size(); ++i) in_a.emplace(sa.graph().outputs()[i].name, i);
  for (const NodeId n : a.topological_order())
    for (const ValueId v : a.node(n).outputs) {
      const auto i = in_a.find(a.value(v).name), j = in_b.find(a.value(v).name);
      if (i == in_a.end() || j == in_b.end()) continue;
      const Difference d = compare(a.value(v).name, ra[i->second], rb[j->second]);
      if (!within(d, flags.tolerance)) return d;
    }
  return std::nullopt;
}

void verify(const Flags& flags) {
  const Graph a = value_or_fail(import_model(flags.a)), b = value_or_fail(import_model(flags.b));
  const auto shapes = value_or_fail(input_shapes(a, flags.run.shapes_by_name()));
  std::vector<std::string> names;
  for (const GraphOutput& o : a.outputs()) names.push_back(o.name);
  if (a.outputs().size() != b.outputs().size() || a.inputs().size() != b.inputs().size())
    fail(Error(ErrorCode::kInvalidArgument,
               format("{} has {} inputs and {} outputs, {} has {} and {}", flags.a, a.inputs().size(),
                      a.outputs().size(), flags.b, b.inputs().size(), b.outputs().size())));
  Session sa = open(a, flags, true), sb = open(b, flags, true);
  std::vector<std::string> names_b;
  for (size_t i = 0; i < names.size(); ++i) {
    const bool shared = std::any_of(b.outputs().begin(), b.outputs().end(),
                                    [&](const GraphOutput& o) { return o.name == names[i]; });
    names_b.push_back(shared ? names[i] : b.outputs()[i].name);  // renamed by a converter: by position
  }
  std::vector<Difference> worst;
  for (int sample = 0; sample < flags.samples; ++sample) {
    const Tensors inputs =
        value_or_fail(random_inputs(a, shapes, flags.seed + static_cast<uint64_t>(sample) * 1000));
    const Tensors ra = by_name(a, value_or_fail(sa.run(inputs)), names),
                  rb = by_name(b, value_or_fail(sb.run(inputs)), names_b);
    for (size_t i = 0; i < names.size(); ++i) {
      Difference d = compare(names[i], ra[i], rb[i]);
      sample == 0 ? worst.push_back(std::move(d)) : keep_worst(worst[i], d);
    }
  }
  const bool same = std::all_of(worst.begin(), worst.end(),
                                [&](const Difference& d) { return within(d, flags.tolerance); });
  std::optional<Difference> first;
  if (!same) first = first_difference(a, b, shapes, flags);

  if (flags.json) {
    nlohmann::ordered_json out = {{"a", flags.a},
                                  {"b", flags.b},
                                  {"samples", flags.samples},
                                  {"tolerance", flags.tolerance},
                                  {"verdict", same ? "same" : "different"},
                                  {"outputs", nlohmann::ordered_json::array()}};
    for (const Difference& d : worst)
      out["outputs"].push_back({{"name", d.name},
                                {"max_abs", json_number(d.max_abs)},
                                {"max_relative", json_number(d.max_relative)},
                                {"cosine", json_number(d.cosine)},
                                {"psnr_db", json_number(d.psnr_db)},
                                {"mismatch", d.mismatch}});
    out["first_difference"] = first ? nlohmann::ordered_json{{"name", first->name},
                                                             {"max_abs", json_number(first->max_abs)},
                                                             {"mismatch", first->mismatch}}
                                    : nlohmann::ordered_json();
    print_json(out);
  } else {
    for (const Difference& d : worst) {
      if (d.mismatch.empty())
        std::printf("%-30s max_abs %.3g  relative %.3g  cosine %.9f  PSNR %.1f dB\n", d.name.c_str(),
                    d.max_abs, d.max_relative, d.cosine, d.psnr_db);
      else
        std::printf("%-30s %s\n", d.name.c_str(), d.mismatch.c_str());
    }
    if (first)
      std::printf("They part at \"%s\": max_abs %.3g %s\n", first->name.c_str(), first->max_abs,
                  first->mismatch.c_str());
    std::printf("%s (tolerance %g of the largest value, %d samples)\n", same ? "Same" : "Different",
                flags.tolerance, flags.samples);
  }
  if (!same) throw VerbFailure{format("{} and {} differ", flags.a, flags.b), "", 1};
}

}  // namespace

void add_verify(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* verb = app.add_subcommand(
      "verify", "Compare two models on the same random inputs, and find the layer where they part");
  verb->footer(
      "Exit code 0: same, 1: different.\nExample: pochade verify model.onnx converted.onnx --samples 10");
  verb->add_option("A", flags->a, "The model that is right")->required();
  verb->add_option("B", flags->b, "The model to be judged")->required();
  verb->add_option("--samples", flags->samples, "Random inputs")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  verb->add_option("--seed", flags->seed, "Of the first input")->capture_default_str();
  verb->add_option("--tolerance", flags->tolerance, "Largest difference, as a part of the largest value")
      ->capture_default_str();
  flags->run.add_to(*verb);
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] { verify(*flags); });
}

}  // namespace pochade

#include <iomanip>
#include <iostream>

#include "base/memory.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "data/random_input.h"
#include "formats/formats.h"
#include "graph/summary.h"
#include "passes/pipeline.h"
#include "passes/specialise.h"

namespace pochade {
namespace {

struct InspectFlags {
  std::string model;
  RunFlags run;
  bool layers = false;
  bool text = false;
  std::string dump_folder;
  bool optimised = false;
  std::string stop_after;
  bool json = false;
};

using Json = nlohmann::ordered_json;

Json port(const std::string& name, const Fact& fact) {
  Json dims = Json::array();
  if (fact.dims)
    for (const Dim& dim : *fact.dims)
      dims.push_back(dim.is_number() ? Json(dim.number()) : Json(to_string(dim)));
  return {{"name", name}, {"dtype", to_string(*fact.dtype)}, {"shape", fact.dims ? dims : Json()}};
}

void print_as_json(const InspectFlags& flags, const Graph& graph, const GraphSummary& summary) {
  Json out;
  out["model"] = flags.model;
  out["inputs"] = out["outputs"] = Json::array();
  for (const ValueId v : graph.inputs()) out["inputs"].push_back(port(graph.value(v).name, graph.fact(v)));
  for (const GraphOutput& o : graph.outputs()) out["outputs"].push_back(port(o.name, graph.fact(o.value)));
  out["operators"] = Json::object();
  for (const auto& [op, count] : summary.operator_counts) out["operators"][std::string(op)] = count;
  out["parameters"] = summary.parameters;
  out["parameter_bytes"] = summary.parameter_bytes;
  out["macs"] = summary.layers_without_cost == 0 ? Json(summary.macs) : Json();
  out["metadata"] = graph.metadata();
  if (flags.layers) {
    out["layers"] = Json::array();
    for (const LayerSummary& layer : summary.layers)
      out["layers"].push_back({{"name", layer.name},
                               {"op", layer.op},
                               {"fields", layer.fields},
                               {"output", layer.output},
                               {"parameters", layer.parameters},
                               {"macs", layer.cost ? Json(layer.cost->macs) : Json()},
                               {"bytes", layer.cost ? Json(layer.cost->bytes) : Json()}});
  }
  print_json(out);
}

std::string millions(int64_t count) {
  const double m = static_cast<double>(count) / 1e6;
  char text[32];
  std::snprintf(text, sizeof(text), m >= 1000 ? "%.2f G" : "%.2f M", m >= 1000 ? m / 1000 : m);
  return text;
}

void print_as_text(const InspectFlags& flags, const Graph& graph, const GraphSummary& summary) {
  std::cout << flags.model << "\n";
  for (const ValueId v : graph.inputs())
    std::cout << "  input   " << graph.value(v).name << "  " << to_string(graph.fact(v)) << "\n";
  for (const GraphOutput& o : graph.outputs())
    std::cout << "  output  " << o.name << "  " << to_string(graph.fact(o.value)) << "\n";
  std::cout << "  parameters  " << millions(summary.parameters) << " (" << bytes_text(summary.parameter_bytes)
            << ")\n";
  std::cout << "  MACs        " << millions(summary.macs);
  if (summary.layers_without_cost > 0)
    std::cout << ", without " << summary.layers_without_cost << " layers of open size (say --shape)";
  std::cout << "\n  operators  ";
  for (const auto& [op, count] : summary.operator_counts) std::cout << " " << op << " x" << count;
  std::cout << "\n";
  if (!flags.layers) return;
  std::cout << "\n"
            << std::left << std::setw(28) << "layer" << std::setw(22) << "operator" << std::setw(30)
            << "output" << std::right << std::setw(12) << "parameters" << std::setw(12) << "MACs"
            << "  attributes\n";
  for (const LayerSummary& layer : summary.layers)
    std::cout << std::left << std::setw(28) << layer.name.substr(0, 27) << std::setw(22) << layer.op
              << std::setw(30) << layer.output << std::right << std::setw(12) << layer.parameters
              << std::setw(12) << (layer.cost ? millions(layer.cost->macs) : "?") << "  " << layer.fields
              << "\n";
}

void inspect(const InspectFlags& flags) {
  Graph graph = value_or_fail(import_model(flags.model));
  if (!flags.run.shapes.empty()) {
    const auto shapes = value_or_fail(input_shapes(graph, flags.run.shapes_by_name()));
    std::map<std::string, Shape> named;
    for (size_t i = 0; i < shapes.size(); ++i) named[graph.value(graph.inputs()[i]).name] = shapes[i];
    graph = value_or_fail(specialise(graph, named));
  }
  if (flags.optimised || !flags.stop_after.empty() || !flags.dump_folder.empty()) {
    PassOptions options;
    options.stop_after = flags.stop_after;
    options.dump_folder = flags.dump_folder;
    graph = value_or_fail(optimise(std::move(graph), options));
  }
  if (flags.text) {
    std::cout << graph.dump();
    return;
  }
  const GraphSummary summary = summarise(graph);
  flags.json ? print_as_json(flags, graph, summary) : print_as_text(flags, graph, summary);
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* verb = app.add_subcommand("inspect", "Show what a model is made of");
  verb->footer(
      "Examples:\n  pochade inspect candy.onnx --layers\n  pochade inspect first_style.onnx --shape "
      "photo=1x3x512x512 --json\n  pochade inspect candy.onnx --dump passes");
  verb->add_option("MODEL", flags->model, "Model file")->required();
  verb->add_option("--shape", flags->run.shapes, "Shape of an input whose size is open: NAME=1x3x480x640")
      ->type_name("NAME=SHAPE");
  verb->add_flag("--layers", flags->layers, "One line a layer");
  verb->add_flag("--optimised", flags->optimised, "After the passes, as the engine runs it");
  verb->add_option("--stop-after", flags->stop_after, "After the passes up to this one")->type_name("PASS");
  verb->add_flag("--text", flags->text, "The whole graph as text, a line a node");
  verb->add_option("--dump", flags->dump_folder,
                   "Write that text into this folder after every pass that changed it")
      ->type_name("DIR");
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] { inspect(*flags); });
}

}  // namespace pochade

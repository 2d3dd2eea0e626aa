#include <cstdio>
#include <iostream>

#include "base/memory.h"
#include "cli/common.h"
#include "cli/verbs.h"
#include "engine/benchmark.h"

namespace pochade {
namespace {

struct BenchFlags {
  std::string model;
  RunFlags run;
  double seconds = 2;
  int runs = 10;
  bool layers = false;
  bool json = false;
};

using Json = nlohmann::ordered_json;

void print_layers(const std::vector<LayerTime>& layers, bool with_times) {
  double total = 0;
  for (const LayerTime& layer : layers) total += layer.milliseconds;
  for (const LayerTime& layer : layers) {
    if (with_times)
      std::printf("%9.3f ms %5.1f%% %8.1f GMAC/s  ", layer.milliseconds,
                  total > 0 ? 100 * layer.milliseconds / total : 0,
                  layer.milliseconds > 0 ? static_cast<double>(layer.macs) / layer.milliseconds / 1e6 : 0);
    std::printf("%-22s %-26s %-26s %s%s%s\n", std::string(layer.op).c_str(), layer.kernel.c_str(),
                layer.output.c_str(), layer.name.c_str(),
                with_times || layer.why.empty() ? "" : "\n      because ",
                with_times ? "" : layer.why.c_str());
  }
}

void bench(const BenchFlags& flags) {
  LoadedModel loaded = load_with_random_inputs(flags.model, flags.run, 1);
  Session& session = loaded.session;
  std::vector<Shape> shapes;
  for (const Tensor& t : loaded.inputs) shapes.push_back(t.shape());
  const size_t arena_bytes = value_or_fail(session.prepare(shapes))->arena_bytes;
  const Latency latency = value_or_fail(measure_latency(session, loaded.inputs, flags.seconds, flags.runs));
  const int64_t peak = peak_rss_bytes();
  const int64_t added = std::max<int64_t>(0, peak - loaded.rss_before_bytes);
  std::vector<LayerTime> layers;
  if (flags.layers) layers = value_or_fail(measure_layers(session, loaded.inputs, std::max(1, flags.runs)));
  if (flags.json) {
    Json out = {
        {"model", flags.model},
        {"latency_ms", {{"min", latency.min_ms}, {"median", latency.median_ms}, {"p95", latency.p95_ms}}},
        {"runs", latency.runs},
        {"peak_rss_bytes", peak},
        {"added_bytes", added},
        {"arena_bytes", arena_bytes},
        {"load_ms", loaded.load_ms},
        {"threads", session.threads()},
        {"isa", name(session.isa())}};
    if (flags.layers) {
      out["layers"] = Json::array();
      for (const LayerTime& layer : layers)
        out["layers"].push_back({{"name", layer.name},
                                 {"op", layer.op},
                                 {"kernel", layer.kernel},
                                 {"isa", name(session.isa())},
                                 {"output", layer.output},
                                 {"ms", layer.milliseconds},
                                 {"macs", layer.macs}});
    }
    print_json(out);
    return;
  }
  std::printf("%s, %d thread%s, %s\n", flags.model.c_str(), session.threads(),
              session.threads() == 1 ? "" : "s", std::string(name(session.isa())).c_str());
  std::printf("  latency  %.3f ms median of %d runs (min %.3f, 95%% %.3f)\n", latency.median_ms, latency.runs,
              latency.min_ms, latency.p95_ms);
  std::printf("  memory   %s added by the engine (arena %s), peak of the process %s\n",
              bytes_text(added).c_str(), bytes_text(static_cast<int64_t>(arena_bytes)).c_str(),
              bytes_text(peak).c_str());
  std::printf("  load     %.1f ms\n", loaded.load_ms);
  if (flags.layers) print_layers(layers, true);
}

void why(const BenchFlags& flags) {
  LoadedModel loaded = load_with_random_inputs(flags.model, flags.run, 1);
  std::vector<Shape> shapes;
  for (const Tensor& t : loaded.inputs) shapes.push_back(t.shape());
  const std::vector<LayerTime> layers = describe_plan(*value_or_fail(loaded.session.prepare(shapes)));
  if (!flags.json) {
    print_layers(layers, false);
    return;
  }
  Json out = Json::array();
  for (const LayerTime& layer : layers)
    out.push_back({{"name", layer.name},
                   {"op", layer.op},
                   {"kernel", layer.kernel},
                   {"isa", name(loaded.session.isa())},
                   {"why", layer.why},
                   {"output", layer.output}});
  print_json(out);
}

}  // namespace

void add_bench(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* verb = app.add_subcommand("bench", "Measure a model's latency and memory on random input");
  verb->footer(
      "Examples:\n  pochade bench candy.onnx --threads 1 --layers\n  pochade bench first_style.onnx --shape "
      "photo=1x3x512x512 --json");
  verb->add_option("MODEL", flags->model, "Model file")->required();
  flags->run.add_to(*verb);
  verb->add_option("--seconds", flags->seconds, "Measure for at least so long")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  verb->add_option("--runs", flags->runs, "Run at least so many times")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  verb->add_flag("--layers", flags->layers, "Time of every step");
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] { bench(*flags); });
}

void add_why(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* verb = app.add_subcommand("why", "Say which kernel each step uses, and why");
  verb->footer("Example: pochade why candy.onnx --isa avx2");
  verb->add_option("MODEL", flags->model, "Model file")->required();
  flags->run.add_to(*verb);
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] { why(*flags); });
}

}  // namespace pochade

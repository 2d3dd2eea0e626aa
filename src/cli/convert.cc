#include <cstdio>
#include <filesystem>

#include "cli/common.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "cli/verdict.h"
#include "data/verify_export.h"
#include "formats/ends.h"
#include "formats/export.h"
#include "formats/formats.h"
#include "formats/onnx/export.h"
#include "passes/simplify.h"
#include "passes/specialise.h"

namespace pochade {
namespace {

struct ConvertFlags {
  std::string in, out;
  int opset = kStandardExportOpset;
  bool simplify = false;
  bool force = false;
  int samples = 3;
  uint64_t seed = 1;
  double tolerance = 1e-3;
  std::string from;
  std::string states;
  RunFlags run;
  bool json = false;
};

/// Sizes that the model leaves open, for the comparison: enough for the windows of most networks.
constexpr int64_t kOpenSize = 64;

VerifyOptions verify_options(const ConvertFlags& flags) {
  VerifyOptions options;
  options.samples = flags.samples;
  options.seed = flags.seed;
  options.tolerance = flags.tolerance;
  options.session = flags.run.options();
  options.shapes = flags.run.shapes_by_name();
  options.open_size = kOpenSize;
  options.go_on = [] { return !interrupted(); };
  return options;
}

/// What was asked for, what came out, and what it was compared with.
struct Outcome {
  ExportSummary before;  ///< without --simplify; operators 0: not asked
  ExportSummary written;
  std::optional<Verdict> verdict;
  /// If the format rounds integers in another way than the original: what that alone makes of the outputs.
  std::optional<Verdict> rounding;
  double layer_steps = 0;  ///< of one layer, at most
  std::string failure;     ///< why there is no verdict
};

nlohmann::ordered_json outcome_json(const ConvertFlags& flags, const Outcome& outcome,
                                    const VerifyOptions& options) {
  nlohmann::ordered_json json = {{"model", flags.in}, {"written", flags.out}};
  if (std::filesystem::path(flags.out).extension() == ".onnx") json["opset"] = flags.opset;
  json["operators"] = outcome.written.operators;
  json["bytes"] = outcome.written.bytes;
  if (outcome.before.operators > 0)
    json["before_simplify"] = {{"operators", outcome.before.operators}, {"bytes", outcome.before.bytes}};
  if (outcome.verdict) {
    json.update(verdict_json(*outcome.verdict, options));
    if (outcome.rounding) {
      json["rounding"] = verdict_json(*outcome.rounding, options)["outputs"];
      json["layer_steps"] = outcome.layer_steps;
    }
  } else {
    json.update({{"verdict", "failed"}, {"failure", outcome.failure}});
  }
  return json;
}

void print_outcome(const ConvertFlags& flags, const Outcome& outcome, const VerifyOptions& options) {
  if (outcome.before.operators > 0)
    std::printf(
        "Simplified: %lld operators and %lld bytes, %lld and %lld before\n",
        static_cast<long long>(outcome.written.operators), static_cast<long long>(outcome.written.bytes),
        static_cast<long long>(outcome.before.operators), static_cast<long long>(outcome.before.bytes));
  std::printf("%s: %lld operators, %lld bytes\n", flags.out.c_str(),
              static_cast<long long>(outcome.written.operators),
              static_cast<long long>(outcome.written.bytes));
  if (outcome.verdict) print_verdict(*outcome.verdict, options);
  if (!outcome.rounding) return;
  const char* target = std::filesystem::path(flags.out).extension() == ".onnx" ? "ONNX" : "TFLite";
  std::printf("%s rounds integers in another way than the original: a layer by itself by %g step%s at most\n",
              target, outcome.layer_steps, outcome.layer_steps == 1 ? "" : "s");
  for (const Difference& d : outcome.rounding->outputs)
    std::printf("%-30s %s\n", d.name.c_str(), of_rounding(d).c_str());
}

/// Reads back what lies in the temporary file, and runs it beside the original.
void judge(const Graph& original, const std::filesystem::path& out, const FileWriter& file,
           const VerifyOptions& options, Outcome& outcome) {
  const auto judged = [&]() -> Status {
    TRY(const Bytes written, map_file(file.temporary_path()));
    TRY(const Graph again, import_model(written));
    TRY(ExportVerdict verdict, verify_export(original, again, out, options));
    outcome.verdict = std::move(verdict.verdict);
    outcome.rounding = std::move(verdict.rounding);
    outcome.layer_steps = verdict.layer_steps;
    return {};
  }();
  if (!judged && judged.error().code() == ErrorCode::kCancelled)
    throw VerbFailure{"stopped; nothing was written", "", 1};
  if (!judged) outcome.failure = judged.error().text();
}

/// The model as it is to be written: with the sizes and in the form that the flags ask for.
Graph asked_for(const ConvertFlags& flags) {
  Graph graph = value_or_fail(import_model(flags.in));
  if (!flags.from.empty()) graph = value_or_fail(from_value(graph, flags.from));
  const auto shapes = flags.run.shapes_by_name();
  if (!shapes.empty()) graph = value_or_fail(specialise(graph, shapes));
  if (flags.states == "ends") graph = value_or_fail(states_as_ends(graph));
  if (flags.states == "constants") graph = value_or_fail(states_as_constants(graph));
  return graph;
}

void convert(const ConvertFlags& flags) {
  const std::filesystem::path out = flags.out;
  value_or_fail(check_export_path(out));
  const VerifyOptions options = verify_options(flags);
  const ExportOptions how{.opset = flags.opset};
  const Graph original = asked_for(flags);
  Outcome outcome;
  std::optional<Graph> simpler;
  if (flags.simplify) {
    // A model that the format cannot express as it is may be expressible when it is simpler.
    if (const auto before = plan_export(original, out, how)) outcome.before = *before;
    simpler = value_or_fail(simplify(original).context("simplifying {}", flags.in));
  }
  catch_interrupts();  // what is written so far goes with the verb
  FileWriter file = value_or_fail(FileWriter::create(out));
  if (file.temporary_path().empty())
    fail_usage(format("{} is no place for a file that is checked before it appears", flags.out));
  outcome.written = value_or_fail(export_model(simpler ? *simpler : original, out, how, file));
  judge(original, out, file, options, outcome);

  const bool good = outcome.verdict && outcome.verdict->same;
  const nlohmann::ordered_json json = outcome_json(flags, outcome, options);
  if (good || flags.force) {
    // Both or, where the disk is full, neither.
    FileWriter verdict = value_or_fail(FileWriter::create(out.string() + ".verify.json"));
    value_or_fail(verdict.write(json_text(json) + "\n"));
    check_interrupt();
    value_or_fail(file.commit());
    value_or_fail(verdict.commit());
  }
  if (flags.json)
    print_json(json);
  else
    print_outcome(flags, outcome, options);
  if (good) return;
  std::string line = outcome.verdict ? format("{} would not compute what {} does", flags.out, flags.in)
                                     : format("{} could not be verified: {}", flags.out, outcome.failure);
  if (flags.force) {
    std::fprintf(stderr, "pochade: warning: %s; written all the same\n", line.c_str());
    return;
  }
  throw VerbFailure{std::move(line),
                    outcome.verdict
                        ? "Nothing was written; --tolerance allows more, --force writes it all the same."
                        : "Nothing was written; --shape gives the sizes to run it with, --force writes "
                          "it unverified.",
                    1};
}

}  // namespace

void add_convert(CLI::App& app) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* verb =
      app.add_subcommand("convert", "Write a model in another format, and prove that it computes the same");
  verb->footer(
      "The extension of OUT names the format: .onnx or .tflite. What is written is read back and run beside "
      "the\n"
      "original on random inputs; the verdict is kept in OUT.verify.json, and without it there is no OUT.\n"
      "Examples:\n"
      "  pochade convert model.onnx model_13.onnx --opset 13\n"
      "  pochade convert model.onnx light.onnx --simplify\n"
      "  pochade convert model.onnx model.tflite\n"
      "  pochade convert open.onnx fixed.tflite --shape photo=1x3x480x640");
  verb->add_option("IN", flags->in, "Model file")->required();
  verb->add_option("OUT", flags->out, "File to write")->required();
  verb->add_option("--opset", flags->opset, "Version of ONNX's operators")
      ->capture_default_str()
      ->check(CLI::Range(kOldestExportOpset, kNewestExportOpset));
  verb->add_flag("--simplify", flags->simplify,
                 "Fold, fuse and drop what inference does not need, without changing results");
  verb->add_flag("--force", flags->force, "Write OUT even if the verdict is bad");
  verb->add_option("--samples", flags->samples, "Random inputs to compare on")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  verb->add_option("--seed", flags->seed, "Of the first input")->capture_default_str();
  verb->add_option("--tolerance", flags->tolerance, "Largest difference, as a part of the largest value")
      ->capture_default_str();
  flags->run.add_to(*verb);
  verb->get_option("--shape")->description("Size of an input that OUT is to have: NAME=1x3x480x640");
  verb->add_option("--from", flags->from,
                   "A value inside the network that becomes its input: what is before is left out");
  verb->add_option("--states", flags->states,
                   "What becomes of values that live from one run to the next: inputs and outputs (ends), or "
                   "their first values in every run (constants)")
      ->check(CLI::IsMember({"ends", "constants"}));
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] { convert(*flags); });
}

}  // namespace pochade

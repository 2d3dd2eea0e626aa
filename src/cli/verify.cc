#include "cli/common.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "cli/verdict.h"
#include "cli/verify_data.h"
#include "data/verify_export.h"
#include "formats/formats.h"

namespace pochade {
namespace {

struct VerifyFlags {
  std::string a, b;
  int samples = 3;
  uint64_t seed = 1;
  double tolerance = 1e-3;
  RunFlags run;
  VerifyDataFlags data;
  bool json = false;
};

void verify(const VerifyFlags& flags) {
  const Graph a = value_or_fail(import_model(flags.a)), b = value_or_fail(import_model(flags.b));
  VerifyOptions options;
  options.samples = flags.samples;
  options.seed = flags.seed;
  options.tolerance = flags.tolerance;
  options.session = flags.run.options();
  options.shapes = flags.run.shapes_by_name();
  options.go_on = [] { return !interrupted(); };
  const Verdict verdict =
      value_or_fail(verify_models(a, b, options).context("cannot compare {} and {}", flags.a, flags.b));
  const bool only_rounding =
      !verdict.same && differ_by_rounding_alone(a, b, flags.b, options).value_or(false);

  if (flags.json) {
    nlohmann::ordered_json out = {{"a", flags.a}, {"b", flags.b}};
    out.update(verdict_json(verdict, options));
    if (only_rounding) out["verdict"] = "same but for rounding";
    print_json(out);
  } else {
    print_verdict(verdict, options);
    if (only_rounding)
      std::printf(
          "Same but for rounding: %s rounds integers in another way, and with its rounding they are the "
          "same\n",
          flags.b.c_str());
  }
  if (!verdict.same && !only_rounding) throw VerbFailure{format("{} and {} differ", flags.a, flags.b), "", 1};
}

}  // namespace

void add_verify(CLI::App& app) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* verb = app.add_subcommand(
      "verify", "Compare two models on the same inputs, and find the layer where they part");
  verb->footer(
      "Exit code 0: same, also where B's format rounds integers in another way and that is all; 1: "
      "different.\nExamples:\n  pochade verify model.onnx converted.onnx --samples 10\n"
      "  pochade verify float.tflite int8.tflite --data photos/ --preprocess signed --agreement 0.95");
  verb->add_option("A", flags->a, "The model that is right")->required();
  verb->add_option("B", flags->b, "The model to be judged")->required();
  verb->add_option("--samples", flags->samples, "Random inputs")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  verb->add_option("--seed", flags->seed, "Of the first input")->capture_default_str();
  verb->add_option("--tolerance", flags->tolerance, "Largest difference, as a part of the largest value")
      ->capture_default_str();
  flags->run.add_to(*verb);
  flags->data.add_to(*verb);
  for (const char* of_random_inputs : {"--samples", "--seed", "--shape"})
    verb->get_option(of_random_inputs)->excludes(verb->get_option("--data"));
  verb->add_flag("--json", flags->json, "For machines");
  verb->callback([flags] {
    catch_interrupts();
    if (flags->data.data.empty()) return verify(*flags);
    verify_on_data(flags->a, flags->b, flags->data, flags->run, flags->tolerance, flags->json);
  });
}

}  // namespace pochade

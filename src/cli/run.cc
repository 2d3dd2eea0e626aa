#include <filesystem>
#include <iostream>

#include "base/file.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "data/random_input.h"
#include "formats/formats.h"
#include "formats/npy.h"

namespace pochade {
namespace {

struct RunVerbFlags {
  std::string model;
  std::vector<std::string> inputs;
  std::string output;
  uint64_t seed = 0;
  bool random = false;
  RunFlags run;
};

/// bfloat16 travels as uint16 bits.
Tensor as_input_type(Tensor tensor, const Fact& fact) {
  if (fact.dtype != DType::kBF16 || tensor.dtype() != DType::kU16) return tensor;
  Tensor out = Tensor::make(DType::kBF16, tensor.shape()).value();
  std::copy_n(tensor.bytes(), tensor.byte_size(), out.mutable_bytes());
  return out;
}

/// A file name for an output: letters, digits, '.', '-' and '_' stay.
std::string file_name(const std::string& name, size_t index) {
  std::string out = format("{}_", index);
  for (const char c : name)
    out += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_' ? c : '_';
  return out.substr(0, 100) + ".npy";
}

/// The contents of a WAV file, as the models take it that decode it themselves.
Tensor read_wav_contents(const std::string& file) {
  const Bytes bytes = value_or_fail(map_file(file));
  return value_or_fail(Tensor::from_bytes(DType::kU8, {static_cast<int64_t>(bytes.size())}, bytes));
}

void run_model(const RunVerbFlags& flags) {
  Graph graph = value_or_fail(import_model(flags.model));
  std::map<std::string, Tensor> given;
  auto shapes = flags.run.shapes_by_name();
  for (const std::string& text : flags.inputs) {
    const auto [name, file] = split_assignment(text, "--input");
    given[name] = std::filesystem::path(file).extension() == ".wav" ? read_wav_contents(file)
                                                                    : value_or_fail(read_npy(file));
    shapes[name] = given[name].shape();
  }
  const auto all_shapes = value_or_fail(input_shapes(graph, shapes));
  Tensors inputs;
  if (flags.random) inputs = value_or_fail(random_inputs(graph, all_shapes, flags.seed));
  inputs.resize(graph.inputs().size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& input = graph.value(graph.inputs()[i]);
    if (const auto found = given.find(input.name); found != given.end())
      inputs[i] = as_input_type(found->second, input.fact);
    if (!inputs[i].defined())
      fail_usage(format("input \"{}\" is missing", input.name),
                 format("Give --input {}=FILE.npy, or --random SEED.", input.name));
  }
  Session session = value_or_fail(Session::create(std::move(graph), flags.run.options()));
  session.on_step([](size_t, size_t) { return !interrupted(); });
  const Tensors outputs = value_or_fail(session.run(inputs));

  std::error_code error;
  std::filesystem::create_directories(flags.output, error);
  if (error)
    fail(Error(ErrorCode::kIo, format("cannot make the folder {}: {}", flags.output, error.message())));
  nlohmann::ordered_json index = nlohmann::ordered_json::array();
  for (size_t i = 0; i < outputs.size(); ++i) {
    check_interrupt();
    const std::string& name = session.graph().outputs()[i].name;
    const std::string file = file_name(name, i);
    value_or_fail(write_file(std::filesystem::path(flags.output) / file, npy_bytes(outputs[i])));
    index.push_back({{"name", name},
                     {"file", file},
                     {"dtype", to_string(outputs[i].dtype())},
                     {"shape", outputs[i].shape().dims()}});
  }
  value_or_fail(write_file(std::filesystem::path(flags.output) / "index.json", json_text(index) + "\n"));
}

}  // namespace

void add_run(CLI::App& app) {
  auto flags = std::make_shared<RunVerbFlags>();
  CLI::App* verb = app.add_subcommand("run", "Run a model on .npy files");
  verb->footer(
      "Writes one .npy an output and DIR/index.json.\n"
      "Examples:\n  pochade run model.onnx --input data=picture.npy --output result/\n  pochade run "
      "model.onnx --random 1 --output result/\n  pochade run DS_CNN_S.pb --input wav_data=yes.wav --output "
      "result/");
  verb->add_option("MODEL", flags->model, "Model file")->required();
  verb->add_option("--input", flags->inputs,
                   "An input, split at the last '='; a WAV file where the model takes one")
      ->type_name("NAME=FILE.npy");
  verb->add_option("--output", flags->output, "Folder for the results")->required()->type_name("DIR");
  auto* random =
      verb->add_option("--random", flags->seed, "Fill the other inputs from this seed")->type_name("SEED");
  flags->run.add_to(*verb);
  verb->callback([flags, random] {
    flags->random = random->count() > 0;
    catch_interrupts();
    run_model(*flags);
  });
}

}  // namespace pochade

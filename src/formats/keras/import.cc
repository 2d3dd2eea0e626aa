#include "formats/keras/import.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "formats/keras/reader_process.h"
#include "formats/keras/rows.h"
#include "formats/keras/stream.h"

namespace pochade::keras {
namespace {

/// A model that calls a model that calls a model.. twice each: files stay small, graphs do not.
constexpr int kMostNodes = 200000;
constexpr size_t kMostUnknown = 20;

/// One call of a layer, and which calls it waits for.
struct Step {
  size_t layer = 0;
  size_t call = 0;
  int waiting = 0;
  std::vector<size_t> readers;
  Values results;
};

class Importer {
 public:
  Importer(const Contents& contents, FileFacts file) : contents_(contents), file_(file) {}
  Result<Graph> import(const ModelRecord& model);
  void set_producer(std::string text) { graph_.set_metadata("producer", std::move(text)); }

 private:
  void collect_unknown(const ModelRecord& model);
  Status refuse_unknown() const;
  Result<Values> add_inputs(const ModelRecord& model);
  void add_outputs(const ModelRecord& record, const Values& outputs);
  Result<ValueId> add_input(const std::string& name, const Json& shape, std::string_view dtype, bool only);

  Result<Values> model(const ModelRecord& record, const Weights& weights, const Values& inputs,
                       const std::string& prefix);
  Result<Values> sequential(const ModelRecord& record, const std::vector<Weights>& weights, Values values,
                            const std::string& prefix);
  Result<Values> functional(const ModelRecord& record, const std::vector<Weights>& weights,
                            const Values& inputs, const std::string& prefix);
  Result<Values> call(const LayerRecord& layer, const Weights& weights, std::vector<Operand> arguments,
                      std::map<std::string, Operand, std::less<>> keywords, const std::string& prefix);
  Result<Values> inner(const LayerRecord& layer, const Weights& weights, const Values& inputs,
                       const std::string& prefix);

  const Contents& contents_;
  FileFacts file_;
  Graph graph_;
  std::map<std::string, ValueId> constants_;
  std::map<std::string, std::string> unknown_;
};

/// Which call a reference means. A nested model of Keras 1 and 2 counts its own making as call 0; Keras 3
/// does so in output_layers alone, and for functional models alone.
class Calls {
 public:
  explicit Calls(const ModelRecord& record) {
    for (size_t i = 0; i < record.layers.size(); ++i) index_[record.layers[i].name] = i;
    first_.resize(record.layers.size(), 0);
    first_of_outputs_.resize(record.layers.size(), 0);
    if (record.keras3_calls) {
      for (size_t i = 0; i < record.layers.size(); ++i)
        first_of_outputs_[i] = record.layers[i].model && !record.layers[i].model->sequential;
      return;
    }
    const auto see = [&](const TensorRef& ref) {
      const auto found = index_.find(ref.layer);
      if (found == index_.end()) return;
      const LayerRecord& layer = record.layers[found->second];
      const int64_t calls = static_cast<int64_t>(std::max<size_t>(layer.calls.size(), 1));
      if (layer.model && ref.call == calls) first_[found->second] = 1;
    };
    for (const LayerRecord& layer : record.layers)
      for (const Call& call : layer.calls) {
        for (const Argument& argument : call.arguments) visit(argument, see);
        for (const auto& [key, argument] : call.keywords) visit(argument, see);
      }
    for (const TensorRef& ref : record.outputs) see(ref);
    first_of_outputs_ = first_;
  }

  template <typename F>
  static void visit(const Argument& argument, F&& f) {
    if (argument.kind == Argument::Kind::kTensor) f(argument.tensor);
    for (const Argument& item : argument.items) visit(item, f);
  }

  /// Layer and call of a reference.
  Result<std::pair<size_t, size_t>> find(const ModelRecord& record, const TensorRef& ref,
                                         bool is_output) const {
    const auto found = index_.find(ref.layer);
    if (found == index_.end()) return Error::invalid_model("\"{}\" is no layer of the model", ref.layer);
    const size_t layer = found->second;
    const int64_t call = ref.call - (is_output ? first_of_outputs_ : first_)[layer];
    const size_t calls = std::max<size_t>(record.layers[layer].calls.size(), 1);
    if (call < 0 || call >= static_cast<int64_t>(calls))
      return Error::invalid_model("call {} of layer \"{}\" is used, which has {}", ref.call, ref.layer,
                                  calls);
    return std::pair(layer, static_cast<size_t>(call));
  }

 private:
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<int64_t> first_, first_of_outputs_;
};

DType input_dtype(std::string_view name) {
  if (name == "int32") return DType::kI32;
  if (name == "int64") return DType::kI64;
  if (name == "uint8") return DType::kU8;
  if (name == "int8") return DType::kI8;
  if (name == "bool") return DType::kBool;
  return DType::kF32;
}

/// The name of a dtype, which may be a policy.
std::string_view dtype_name(const Json* json) {
  if (json == nullptr) return "";
  if (json->text() != nullptr) return *json->text();
  const Json* config = json->find("config");
  return config != nullptr ? config->find_text("name") : "";
}

const Json* input_shape_of(const Json& config) {
  for (const char* key : {"batch_input_shape", "batch_shape"})
    if (const Json* shape = config.find(key); shape != nullptr && shape->list() != nullptr) return shape;
  return nullptr;
}

void Importer::collect_unknown(const ModelRecord& model) {
  for (const LayerRecord& layer : model.layers) {
    if (layer.model) {
      collect_unknown(*layer.model);
      continue;
    }
    const Row* row = find_row(layer);
    if (layer.class_name == "InputLayer" || (row != nullptr && row->import != nullptr)) continue;
    const std::string reason = row != nullptr ? format(": {}", row->reason) : "";
    unknown_.emplace(layer.class_name, format("{} (layer \"{}\"{}; its configuration is {})",
                                              layer.class_name, layer.name, reason, layer.config.dump()));
  }
}

Status Importer::refuse_unknown() const {
  if (unknown_.empty()) return {};
  std::vector<std::string> list;
  for (const auto& [name, text] : unknown_)
    if (list.size() < kMostUnknown) list.push_back(text);
  return Error::not_supported(
      "{}: {}", list.size() == 1 ? "a layer that is not supported" : "layers that are not supported",
      join(list));
}

/// `only`: it is the only input, so that its open sizes may have names without being taken for those of
/// another.
Result<ValueId> Importer::add_input(const std::string& name, const Json& shape, std::string_view dtype,
                                    bool only) {
  if (dtype == "string") return Error::not_supported("input \"{}\" holds strings", name);
  const Json::List* sizes = shape.list();
  if (sizes == nullptr || sizes->size() > static_cast<size_t>(kMaxRank))
    return Error::invalid_model("the shape of input \"{}\" is {}", name, shape.dump(100));
  const size_t rank = sizes->size();
  const std::vector<std::string> names = rank == 4   ? std::vector<std::string>{"N", "H", "W"}
                                         : rank == 3 ? std::vector<std::string>{"N", "T"}
                                                     : std::vector<std::string>{"N"};
  Dims dims;
  int64_t elements = 1;
  for (size_t axis = 0; axis < rank; ++axis) {
    const Json& size = (*sizes)[axis];
    if (size.is_null()) {
      dims.push_back(axis < names.size() && (only || axis == 0) ? Dim::named(names[axis]) : Dim());
      continue;
    }
    constexpr int64_t kMostElements = int64_t{1} << 48;
    const int64_t number = size.integer() != nullptr ? *size.integer() : -1;
    if (number < 0 || number > kMostElements / elements)
      return Error::invalid_model("the shape of input \"{}\" is {}", name, shape.dump(100));
    elements *= std::max<int64_t>(number, 1);
    dims.emplace_back(number);
  }
  return graph_.add_input(name, Fact(input_dtype(dtype), std::move(dims)));
}

Result<Values> Importer::add_inputs(const ModelRecord& model) {
  Values out;
  if (!model.sequential) {
    std::set<std::string> seen;
    for (const TensorRef& ref : model.inputs) {
      const auto layer = std::ranges::find(model.layers, ref.layer, &LayerRecord::name);
      const Json* shape = layer == model.layers.end() ? nullptr : input_shape_of(layer->config);
      if (shape == nullptr) return Error::invalid_model("input layer \"{}\" has no shape", ref.layer);
      if (!seen.insert(ref.layer).second) return Error::invalid_model("\"{}\" is an input twice", ref.layer);
      TRY(out.emplace_back(),
          add_input(ref.layer, *shape, dtype_name(layer->config.find("dtype")), model.inputs.size() == 1));
    }
    return out;
  }
  // The shape stands in an InputLayer, in the first layer (of the first layer..), or beside the layers.
  const ModelRecord* at = &model;
  while (!at->layers.empty()) {
    const LayerRecord& first = at->layers[0];
    const bool is_input = first.class_name == "InputLayer";
    if (const Json* shape = first.model ? nullptr : input_shape_of(first.config)) {
      // A layer that is no InputLayer says the type of its arithmetic; its input may still be of integers.
      const bool integers = first.class_name == "Embedding";
      const std::string_view dtype = is_input ? dtype_name(first.config.find("dtype")) : "";
      TRY(out.emplace_back(),
          add_input(is_input ? first.name : first.name + "_input", *shape, integers ? "int32" : dtype, true));
      return out;
    }
    if (at->build_shape.list() != nullptr) {
      TRY(out.emplace_back(), add_input(first.name + "_input", at->build_shape, "", true));
      return out;
    }
    if (!first.model) break;
    if (!first.model->sequential) return add_inputs(*first.model);
    at = first.model.get();
  }
  return Error::not_supported(
      "the file does not say the shape of the model's input: it was saved before it was built");
}

Result<Values> Importer::call(const LayerRecord& layer, const Weights& weights,
                              std::vector<Operand> arguments,
                              std::map<std::string, Operand, std::less<>> keywords,
                              const std::string& prefix) {
  const std::string name = prefix + layer.name;
  if (layer.model) {
    Values inputs;
    for (const Operand& argument : arguments) {
      if (argument.is_tensor()) inputs.push_back(argument.value);
      for (const Operand& item : argument.items)
        if (item.is_tensor()) inputs.push_back(item.value);
    }
    return model(*layer.model, weights, inputs, name + "/").context("model \"{}\"", layer.name);
  }
  const Row* row = find_row(layer);
  CHECK(row != nullptr || layer.class_name == "InputLayer");
  const auto import_inner = [&](const LayerRecord& wrapped, const Weights& own, const Values& inputs) {
    return inner(wrapped, own, inputs, name + "/");
  };
  LayerScope scope(graph_, layer, weights, file_, name, constants_, std::move(arguments), std::move(keywords),
                   import_inner);
  const auto run = [&]() -> Result<Values> {
    TRY(Values results, row->import(scope));
    TRY(scope.finish());
    return results;
  };
  TRY(Values results, run().context("layer \"{}\" ({})", name, layer.class_name));
  if (graph_.node_count() > kMostNodes)
    return Error::not_supported("the model has more than {} operators", kMostNodes);
  return results;
}

/// The layer inside a wrapper, which collect_unknown() has not seen.
Result<Values> Importer::inner(const LayerRecord& layer, const Weights& weights, const Values& inputs,
                               const std::string& prefix) {
  if (layer.model) {
    collect_unknown(*layer.model);
  } else {
    const Row* row = find_row(layer);
    if (row == nullptr || row->import == nullptr)
      return Error::not_supported("a layer that is not supported: {} (layer \"{}\"; its configuration is {})",
                                  layer.class_name, layer.name, layer.config.dump());
  }
  TRY(refuse_unknown());
  std::vector<Operand> arguments;
  for (const ValueId input : inputs) {
    arguments.emplace_back();
    arguments.back().value = input;
  }
  return call(layer, weights, std::move(arguments), {}, prefix);
}

Result<Values> Importer::sequential(const ModelRecord& record, const std::vector<Weights>& weights,
                                    Values values, const std::string& prefix) {
  for (size_t i = 0; i < record.layers.size(); ++i) {
    if (record.layers[i].class_name == "InputLayer") continue;
    std::vector<Operand> arguments;
    for (const ValueId value : values) {
      arguments.emplace_back();
      arguments.back().value = value;
    }
    TRY(values, call(record.layers[i], weights[i], std::move(arguments), {}, prefix));
  }
  return values;
}

Result<Values> Importer::functional(const ModelRecord& record, const std::vector<Weights>& weights,
                                    const Values& inputs, const std::string& prefix) {
  const Calls calls(record);
  std::vector<Step> steps;
  std::vector<size_t> first_step(record.layers.size());
  for (size_t layer = 0; layer < record.layers.size(); ++layer) {
    first_step[layer] = steps.size();
    for (size_t call = 0; call < std::max<size_t>(record.layers[layer].calls.size(), 1); ++call)
      steps.push_back({layer, call, 0, {}, {}});
  }
  const auto step_of = [&](const TensorRef& ref, bool is_output) -> Result<size_t> {
    TRY(const auto place, calls.find(record, ref, is_output));
    return first_step[place.first] + place.second;
  };
  for (size_t i = 0; i < steps.size(); ++i) {
    const LayerRecord& layer = record.layers[steps[i].layer];
    if (layer.calls.empty()) continue;
    Status status;
    const auto wait = [&](const TensorRef& ref) {
      const auto from = step_of(ref, false);
      if (!from) {
        status = tl::unexpected<Error>(from.error());
        return;
      }
      ++steps[i].waiting;
      steps[*from].readers.push_back(i);
    };
    const Call& call = layer.calls[steps[i].call];
    for (const Argument& argument : call.arguments) Calls::visit(argument, wait);
    for (const auto& [key, argument] : call.keywords) Calls::visit(argument, wait);
    TRY(std::move(status).context("layer \"{}\"", layer.name));
  }

  for (size_t i = 0; i < record.inputs.size(); ++i) {
    TRY(const size_t step, step_of(record.inputs[i], false));
    if (i >= inputs.size())
      return Error::invalid_model("is called with {} tensors, expected {}", inputs.size(),
                                  record.inputs.size());
    steps[step].results = {inputs[i]};
  }
  if (inputs.size() != record.inputs.size())
    return Error::invalid_model("is called with {} tensors, expected {}", inputs.size(),
                                record.inputs.size());

  const auto value_of = [&](const TensorRef& ref, bool is_output) -> Result<ValueId> {
    TRY(const size_t step, step_of(ref, is_output));
    const Values& results = steps[step].results;
    if (ref.tensor >= static_cast<int64_t>(results.size()))
      return Error::invalid_model("output {} of layer \"{}\" is used, which has {}", ref.tensor, ref.layer,
                                  results.size());
    return results[static_cast<size_t>(ref.tensor)];
  };
  std::function<Result<Operand>(const Argument&)> resolve = [&](const Argument& argument) -> Result<Operand> {
    Operand out;
    if (argument.kind == Argument::Kind::kTensor) {
      TRY(out.value, value_of(argument.tensor, false));
    } else if (argument.kind == Argument::Kind::kList) {
      out.is_list = true;
      for (const Argument& item : argument.items) {
        TRY(out.items.emplace_back(), resolve(item));
      }
    } else {
      out.literal = argument.literal;
    }
    return out;
  };

  std::set<size_t> ready;
  for (size_t i = 0; i < steps.size(); ++i)
    if (steps[i].waiting == 0) ready.insert(i);
  size_t done = 0;
  while (!ready.empty()) {
    const size_t i = *ready.begin();
    ready.erase(ready.begin());
    ++done;
    const LayerRecord& layer = record.layers[steps[i].layer];
    if (steps[i].results.empty()) {
      if (layer.class_name == "InputLayer")
        return Error::invalid_model("layer \"{}\" is an InputLayer, but no input of the model", layer.name);
      if (layer.calls.empty()) return Error::invalid_model("layer \"{}\" is called by nobody", layer.name);
      std::vector<Operand> arguments;
      std::map<std::string, Operand, std::less<>> keywords;
      for (const Argument& argument : layer.calls[steps[i].call].arguments) {
        TRY(arguments.emplace_back(), resolve(argument).context("layer \"{}\"", layer.name));
      }
      for (const auto& [key, argument] : layer.calls[steps[i].call].keywords) {
        TRY(keywords[key], resolve(argument).context("layer \"{}\"", layer.name));
      }
      TRY(steps[i].results,
          call(layer, weights[steps[i].layer], std::move(arguments), std::move(keywords), prefix));
    }
    for (const size_t reader : steps[i].readers)
      if (--steps[reader].waiting == 0) ready.insert(reader);
  }
  if (done != steps.size()) {
    const auto stuck = std::ranges::find_if(steps, [](const Step& step) { return step.waiting > 0; });
    return Error::invalid_model("layer \"{}\" waits for its own output", record.layers[stuck->layer].name);
  }
  Values out;
  for (const TensorRef& ref : record.outputs) {
    TRY(out.emplace_back(), value_of(ref, true).context("output_layers"));
  }
  return out;
}

Result<Values> Importer::model(const ModelRecord& record, const Weights& weights, const Values& inputs,
                               const std::string& prefix) {
  TRY(const std::vector<Weights> of_layers, weights.of_layers(record));
  return record.sequential ? sequential(record, of_layers, inputs, prefix)
                           : functional(record, of_layers, inputs, prefix);
}

/// An output has the name of its layer; a second one of the same layer a number that makes no other layer's
/// name.
void Importer::add_outputs(const ModelRecord& record, const Values& outputs) {
  std::vector<std::string> names;
  for (size_t i = 0; i < outputs.size(); ++i)
    names.push_back(!record.sequential      ? record.outputs[i].layer
                    : record.layers.empty() ? "output"
                                            : record.layers.back().name);
  const std::set<std::string> reserved(names.begin(), names.end());
  std::set<std::string> used;
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::string name = names[i];
    for (int number = 1; used.contains(name) || (number > 1 && reserved.contains(name)); ++number)
      name = format("{}_{}", names[i], number);
    used.insert(name);
    graph_.add_output(std::move(name), outputs[i]);
  }
}

Result<Graph> Importer::import(const ModelRecord& record) {
  collect_unknown(record);
  TRY(refuse_unknown());
  graph_.set_graph_name(record.name);
  TRY(const Values inputs, add_inputs(record));
  TRY(const Weights weights, Weights::of_file(contents_));
  TRY(const Values outputs, model(record, weights, inputs, ""));
  add_outputs(record, outputs);
  TRY(graph_.verify());
  return std::move(graph_);
}

/// "2.4.0" or "2.2.4-tf" is 2. Files that say nothing are of Keras 1.
int major_of(std::string_view version) {
  int out = 0;
  std::from_chars(version.data(), version.data() + version.size(), out);
  return out == 0 ? 1 : out;
}

}  // namespace

const Row* find_row(const LayerRecord& layer) {
  static const std::map<std::string_view, const Row*> layers = [] {
    std::map<std::string_view, const Row*> out;
    for (const auto rows : {core_rows(), activation_rows(), conv_rows(), pool_rows(), norm_rows(),
                            merge_rows(), shape_rows(), image_rows(), recurrent_rows(), custom_rows()})
      for (const Row& row : rows) out.emplace(row.class_name, &row);
    return out;
  }();
  static const std::map<std::string_view, const Row*> functions = [] {
    std::map<std::string_view, const Row*> out;
    for (const Row& row : function_rows()) out.emplace(row.class_name, &row);
    return out;
  }();
  const auto* first = layer.is_function ? &functions : &layers;
  const auto* second = !layer.is_function ? &functions : layer.module.empty() ? &layers : nullptr;
  for (const auto* table : {first, second}) {
    if (table == nullptr) continue;
    if (const auto found = table->find(layer.class_name); found != table->end()) return found->second;
  }
  return nullptr;
}

Result<Graph> import_contents(const Contents& contents) {
  std::string_view config_text = contents.attribute("@model_config");
  std::string version(contents.attribute("@keras_version"));
  if (version.empty()) version = contents.attribute("model_weights@keras_version");
  FileFacts file;
  if (const auto config = contents.texts.find("config.json"); config != contents.texts.end()) {
    config_text = config->second;
    version = "3";
    if (const auto metadata = contents.texts.find("metadata.json"); metadata != contents.texts.end()) {
      TRY(const Json json, parse_json(metadata->second).context("metadata.json"));
      if (const std::string_view own = json.find_text("keras_version"); !own.empty()) version = own;
    }
  }
  if (config_text.empty()) {
    const bool weights =
        contents.attributes.contains("@layer_names") || contents.attributes.contains("@layer_names0") ||
        std::ranges::any_of(contents.datasets, [](const auto& d) { return d.first.starts_with("layers/"); });
    if (weights)
      return Error::not_supported(
          "it holds weights only, and not how the layers are connected; "
          "save the whole model (model.save) instead of its weights");
    return Error::not_supported("it is an HDF5 file, but no Keras model: it has no attribute model_config");
  }
  file.major = major_of(version);
  file.theano =
      contents.attribute("@backend") == "theano" || contents.attribute("model_weights@backend") == "theano";
  TRY(const Json json, parse_json(config_text).context("the model's configuration"));
  TRY(const ModelRecord model, parse_model(json, file.major));
  Importer importer(contents, file);
  importer.set_producer(format("Keras {}", version));
  return importer.import(model);
}

}  // namespace pochade::keras

namespace pochade {

bool looks_like_keras(const Bytes& file) {
  const std::string_view text = file.text();
  constexpr std::string_view kHdf5 = "\x89HDF\r\n\x1a\n";
  if (text.starts_with("PK\3\4")) return true;
  for (size_t at = 0; at + kHdf5.size() <= text.size(); at = at == 0 ? 512 : at * 2)
    if (text.substr(at, kHdf5.size()) == kHdf5) return true;
  return false;
}

Result<Graph> import_keras(const Bytes& file) {
  TRY(const Bytes stream, keras::run_reader(file));
  TRY(const keras::Contents contents, keras::parse_stream(stream));
  return keras::import_contents(contents);
}

Result<Graph> import_keras(const std::filesystem::path& path) {
  const auto run = [&]() -> Result<Graph> {
    TRY(const Bytes stream, keras::run_reader(path));
    TRY(const keras::Contents contents, keras::parse_stream(stream));
    return keras::import_contents(contents);
  };
  return run().context("cannot read {}", path);
}

}  // namespace pochade

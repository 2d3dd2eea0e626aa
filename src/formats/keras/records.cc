#include "formats/keras/records.h"

#include <set>

namespace pochade::keras {
namespace {

using NameSet = std::set<std::string, std::less<>>;

bool is_model_class(std::string_view name) {
  return name == "Model" || name == "Functional" || name == "Sequential" || name == "Network";
}

/// ["conv1", 0, 0] or ["conv1", 0, 0, {..}], which Keras 2 writes for a tensor.
bool is_reference(const Json& json) {
  const Json::List* items = json.list();
  return items != nullptr && (items->size() == 3 || items->size() == 4) && (*items)[0].text() != nullptr &&
         (*items)[1].integer() != nullptr &&
         ((*items)[2].integer() != nullptr || *(*items)[0].text() == "_CONSTANT_VALUE");
}

Result<TensorRef> parse_reference(const Json& json) {
  if (!is_reference(json))
    return Error::invalid_model("{} is no tensor, expected [layer, call, output]", json.dump(100));
  const Json::List& items = *json.list();
  TensorRef out{*items[0].text(), *items[1].integer(), items[2].integer() ? *items[2].integer() : 0};
  if (out.call < 0 || out.tensor < 0)
    return Error::invalid_model("{} is no tensor: negative numbers", json.dump(100));
  return out;
}

Argument literal(const Json& json) {
  Argument out;
  out.literal = json;
  return out;
}

/// A value that may be, or hold, tensors of layers in `names`, as Keras 2 writes them.
Result<Argument> parse_old_argument(const Json& json, const NameSet& names) {
  Argument out;
  if (is_reference(json)) {
    const Json::List& items = *json.list();
    if (*items[0].text() == "_CONSTANT_VALUE") return literal(items[2]);
    if (names.contains(*items[0].text())) {
      out.kind = Argument::Kind::kTensor;
      TRY(out.tensor, parse_reference(json));
      return out;
    }
  }
  if (const Json::List* items = json.list()) {
    bool any = false;
    for (const Json& item : *items) {
      TRY(out.items.emplace_back(), parse_old_argument(item, names));
      any = any || out.items.back().kind != Argument::Kind::kLiteral;
    }
    if (any) {
      out.kind = Argument::Kind::kList;
      return out;
    }
    out.items.clear();
  }
  return literal(json);
}

/// Keras 1 and 2: [[layer, call, output, {keywords}], ...], or one such list for operators of TensorFlow.
Result<Call> parse_old_call(const Json& json, const NameSet& names) {
  Call out;
  const Json::List* items = json.list();
  if (items == nullptr) return Error::not_supported("it is called with {}", json.dump(100));
  const bool single = is_reference(json);
  const Json* keywords = nullptr;
  std::vector<Argument> tensors;
  const auto add = [&](const Json& reference) -> Status {
    if (!is_reference(reference))
      return Error::invalid_model("{} is no tensor, expected [layer, call, output]", reference.dump(100));
    const Json::List& parts = *reference.list();
    if (*parts[0].text() != "_CONSTANT_VALUE" && !names.contains(*parts[0].text()))
      return Error::invalid_model("it is called with \"{}\", which is no layer of the model",
                                  *parts[0].text());
    TRY(tensors.emplace_back(), parse_old_argument(reference, names));
    if (parts.size() == 4 && keywords == nullptr && parts[3].object() != nullptr) keywords = &parts[3];
    return {};
  };
  if (single) {
    TRY(add(json));
  } else {
    for (const Json& item : *items) TRY(add(item));
  }
  if (single || tensors.size() == 1) {
    out.arguments = std::move(tensors);
  } else {
    Argument list;
    list.kind = Argument::Kind::kList;
    list.items = std::move(tensors);
    out.arguments.push_back(std::move(list));
  }
  if (keywords != nullptr)
    for (const Json::Member& member : *keywords->object()) {
      TRY(out.keywords[member.key], parse_old_argument(member.value, names));
    }
  return out;
}

/// Keras 3: tensors are objects of their own.
Result<Argument> parse_new_argument(const Json& json) {
  Argument out;
  const std::string_view kind = json.find_text("class_name");
  if (kind == "__keras_tensor__") {
    const Json* config = json.find("config");
    const Json* history = config != nullptr ? config->find("keras_history") : nullptr;
    if (history == nullptr) return Error::invalid_model("a tensor has no keras_history");
    out.kind = Argument::Kind::kTensor;
    TRY(out.tensor, parse_reference(*history));
    return out;
  }
  const Json* items = kind == "__tuple__" ? json.find("items") : &json;
  if (items != nullptr && items->list() != nullptr) {
    bool any = false;
    for (const Json& item : *items->list()) {
      TRY(out.items.emplace_back(), parse_new_argument(item));
      any = any || out.items.back().kind != Argument::Kind::kLiteral;
    }
    if (any) {
      out.kind = Argument::Kind::kList;
      return out;
    }
    out.items.clear();
    return literal(*items);
  }
  return literal(json);
}

Result<Call> parse_new_call(const Json& json) {
  Call out;
  const Json* arguments = json.find("args");
  if (arguments == nullptr || arguments->list() == nullptr)
    return Error::invalid_model("a call has no list \"args\"");
  for (const Json& item : *arguments->list()) {
    TRY(out.arguments.emplace_back(), parse_new_argument(item));
  }
  if (const Json* keywords = json.find("kwargs"); keywords != nullptr && keywords->object() != nullptr)
    for (const Json::Member& member : *keywords->object()) {
      TRY(out.keywords[member.key], parse_new_argument(member.value));
    }
  return out;
}

/// input_layers and output_layers: one tensor, or a list or an object of them.
Status parse_ends(const Json& json, std::vector<TensorRef>& out) {
  if (is_reference(json)) {
    TRY(out.emplace_back(), parse_reference(json));
    return {};
  }
  if (const Json::List* items = json.list()) {
    for (const Json& item : *items) TRY(parse_ends(item, out));
    return {};
  }
  if (const Json::Object* members = json.object()) {
    for (const Json::Member& member : *members) TRY(parse_ends(member.value, out));
    return {};
  }
  return Error::invalid_model("{} is no tensor", json.dump(100));
}

Status parse_functional(const Json& config, int major, ModelRecord& out) {
  const Json* layers = config.find("layers");
  if (layers == nullptr || layers->list() == nullptr)
    return Error::not_supported(
        "it holds no list of layers: the model is a class of its own, "
        "whose program is not in the file");
  NameSet names;
  for (const Json& layer : *layers->list()) {
    TRY(out.layers.emplace_back(), parse_layer(layer, major));
    if (!names.insert(out.layers.back().name).second)
      return Error::invalid_model("two layers have the name \"{}\"", out.layers.back().name);
  }
  for (size_t i = 0; i < out.layers.size(); ++i) {
    const Json* calls = (*layers->list())[i].find("inbound_nodes");
    if (calls == nullptr || calls->list() == nullptr) continue;
    for (const Json& call : *calls->list()) {
      out.keras3_calls = out.keras3_calls || call.object() != nullptr;
      TRY(out.layers[i].calls.emplace_back(),
          (call.object() != nullptr ? parse_new_call(call) : parse_old_call(call, names))
              .context("layer \"{}\"", out.layers[i].name));
    }
  }
  for (const auto& [key, ends] : {std::pair{"input_layers", &out.inputs}, {"output_layers", &out.outputs}}) {
    const Json* json = config.find(key);
    if (json == nullptr) return Error::invalid_model("{} is missing", key);
    TRY(parse_ends(*json, *ends).context("{}", key));
    if (ends->empty()) return Error::invalid_model("{} is empty", key);
  }
  return {};
}

Status parse_sequential(const Json& config, int major, ModelRecord& out) {
  out.sequential = true;
  const Json* layers = config.list() != nullptr ? &config : config.find("layers");
  if (layers == nullptr || layers->list() == nullptr)
    return Error::invalid_model("it holds no list of layers");
  for (const Json& layer : *layers->list()) {
    TRY(out.layers.emplace_back(), parse_layer(layer, major));
  }
  if (const Json* shape = config.find("build_input_shape")) out.build_shape = *shape;
  return {};
}

}  // namespace

Result<LayerRecord> parse_layer(const Json& json, int major) {
  LayerRecord out;
  out.class_name = json.find_text("class_name");
  if (out.class_name.empty())
    return Error::invalid_model("{} is no layer: class_name is missing", json.dump(100));
  if (const size_t at = out.class_name.rfind('>'); at != std::string::npos) {
    out.package = out.class_name.substr(0, at);
    out.class_name.erase(0, at + 1);
  }
  out.module = json.find_text("module");
  const Json* config = json.find("config");
  if (config == nullptr) return Error::invalid_model("a layer ({}) has no config", out.class_name);
  out.config = *config;
  out.name = json.find_text("name");
  if (out.name.empty()) out.name = config->find_text("name");
  if (is_model_class(out.class_name)) {
    TRY(ModelRecord model, parse_model(json, major).context("model \"{}\"", out.name));
    if (out.name.empty()) out.name = model.name;
    out.model = std::make_shared<const ModelRecord>(std::move(model));
    return out;
  }
  if (config->object() == nullptr)
    return Error::invalid_model("the config of layer \"{}\" is no object", out.name);
  // Legacy files of Keras 3 do not say which are functions, but the configuration of a layer has more in it.
  out.is_function = out.module.empty()
                        ? major >= 3 && !config->find("trainable") && !config->find("dtype") &&
                              out.class_name != "InputLayer"
                        : out.module.starts_with("keras.src.ops") || out.module.starts_with("keras.ops");
  // Keras names every layer; a name is made where one is missing.
  if (out.name.empty()) out.name = out.class_name;
  if (major < 2) TRY(modernise(out).context("layer \"{}\" ({})", out.name, out.class_name));
  return out;
}

Result<ModelRecord> parse_model(const Json& json, int major) {
  ModelRecord out;
  const std::string_view kind = json.find_text("class_name");
  const Json* config = json.find("config");
  if (config == nullptr) return Error::invalid_model("the model's configuration has no config");
  out.name = config->find_text("name");
  if (out.name.empty()) out.name = json.find_text("name");
  if (kind == "Sequential") {
    TRY(parse_sequential(*config, major, out));
  } else {
    TRY(parse_functional(*config, major, out));
  }
  return out;
}

}  // namespace pochade::keras

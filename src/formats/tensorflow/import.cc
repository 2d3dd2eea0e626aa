#include "formats/tensorflow/import.h"

#include <algorithm>

#include "formats/tensorflow/bundle.h"
#include "formats/tensorflow/placeholders.h"
#include "formats/tensorflow/rows.h"
#include "formats/tensorflow/variables.h"
#include "formats/tensorflow/walk.h"
#include "graph/edit.h"

namespace pochade::tensorflow {
namespace {

/// Nodes that only have an effect, or that training and saving need: no outputs of an inference graph.
bool has_no_result(std::string_view op) {
  constexpr std::string_view kOps[] = {"Const",
                                       "NoOp",
                                       "Assert",
                                       "PrintV2",
                                       "VarHandleOp",
                                       "Variable",
                                       "VariableV2",
                                       "ControlTrigger",
                                       "MergeV2Checkpoints",
                                       "TensorArrayCloseV3"};
  if (std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps)) return true;
  for (const std::string_view part : {"Save", "Restore", "Assign", "Summary", "Apply", "Initialized", "Queue",
                                      "Table", "Iterator", "Dataset", "ShardedFilename"})
    if (op.find(part) != std::string_view::npos) return true;
  return false;
}

bool is_exit(std::string_view op) {
  return op == "Exit" || op == "RefExit";
}

bool is_placeholder(std::string_view op) {
  return op == "Placeholder" || op == "PlaceholderV2";
}

/// Keras of version 1 and 2 asks whether it trains.
bool is_learning_phase(const NodeRecord& node) {
  const auto type = node.attrs.find("dtype");
  return node.name.ends_with("keras_learning_phase") && type != node.attrs.end() &&
         type->second.integer == 10;
}

/// One import of a file.
class Importer {
 public:
  Importer(const GraphRecord& record, const Bytes& file) : record_(record), walker_(state_, record) {
    state_.file = file;
    state_.read_variable = [](std::string_view variable) -> Result<ValueId> {
      return Error::not_supported(
          "the value of the variable \"{}\" is not in the file: freeze the graph, or give "
          "the folder of the SavedModel",
          variable);
    };
  }

  ImportState& state() { return state_; }
  Result<Graph> import_frozen();
  Result<Graph> import_signature(const SignatureRecord& signature);

 private:
  struct Output {
    std::string_view node;
    bool all = false;  ///< each of its results, as nobody reads any
  };

  Result<std::vector<size_t>> needed_by(const std::vector<size_t>& outputs) const;
  Result<std::vector<size_t>> find_outputs() const;
  Status add_input(std::string name, Fact fact, Frame& frame, size_t node, size_t output, bool is_string);
  Status add_output(const std::string& name, const Item& item);
  Error with_unknown_operators(Error error, const std::vector<size_t>& outputs) const;
  void collect_unknown(const std::vector<NodeRecord>& nodes, const std::vector<size_t>* chosen,
                       std::set<std::string_view>& functions,
                       std::map<std::string_view, std::string_view>& out) const;
  Result<Graph> finish();

  ImportState state_;
  const GraphRecord& record_;
  Walker walker_;
  const Body* body_ = nullptr;
};

/// The nodes that these nodes need, themselves included, in the order of the file.
Result<std::vector<size_t>> Importer::needed_by(const std::vector<size_t>& outputs) const {
  std::vector<bool> seen(record_.nodes.size(), false);
  std::vector<size_t> stack = outputs;
  while (!stack.empty()) {
    const size_t node = stack.back();
    stack.pop_back();
    if (seen[node]) continue;
    seen[node] = true;
    for (const std::string_view input : record_.nodes[node].inputs) {
      TRY(const Reference reference, parse_reference(input));
      const auto found = body_->by_name.find(reference.node);
      if (!reference.is_control && found != body_->by_name.end()) stack.push_back(found->second);
    }
  }
  std::vector<size_t> out;
  for (size_t i = 0; i < seen.size(); ++i)
    if (seen[i]) out.push_back(i);
  return out;
}

/// Nodes that nobody reads and that depend on a placeholder, in the order of the file.
Result<std::vector<size_t>> Importer::find_outputs() const {
  const auto& nodes = record_.nodes;
  std::vector<bool> is_read(nodes.size(), false);
  std::vector<std::vector<size_t>> readers(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i)
    for (const std::string_view input : nodes[i].inputs) {
      TRY(const Reference reference, parse_reference(input));
      const auto found = body_->by_name.find(reference.node);
      if (reference.is_control || found == body_->by_name.end()) continue;
      readers[found->second].push_back(i);
      if (!has_no_result(nodes[i].op)) is_read[found->second] = true;
    }
  std::vector<bool> depends(nodes.size(), false);
  std::vector<size_t> stack;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (is_placeholder(nodes[i].op)) stack.push_back(i);
  const bool has_inputs = !stack.empty();
  while (!stack.empty()) {
    const size_t node = stack.back();
    stack.pop_back();
    if (depends[node]) continue;
    depends[node] = true;
    stack.insert(stack.end(), readers[node].begin(), readers[node].end());
  }
  // What stands in a loop is no output; nor is a loop's counter, if there is anything else.
  std::vector<bool> in_loop(nodes.size(), false);
  for (size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].op == "Enter" || nodes[i].op == "RefEnter") stack.push_back(i);
  while (!stack.empty()) {
    const size_t node = stack.back();
    stack.pop_back();
    if (in_loop[node] || is_exit(nodes[node].op)) continue;
    in_loop[node] = true;
    stack.insert(stack.end(), readers[node].begin(), readers[node].end());
  }
  std::vector<size_t> out, exits;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (!in_loop[i] && !is_read[i] && !has_no_result(nodes[i].op) && !is_placeholder(nodes[i].op) &&
        (depends[i] || !has_inputs))
      (is_exit(nodes[i].op) ? exits : out).push_back(i);
  return out.empty() ? exits : out;
}

Status Importer::add_input(std::string name, Fact fact, Frame& frame, size_t node, size_t output,
                           bool is_string) {
  Item item = Item::of(state_.graph.add_input(std::move(name), std::move(fact)));
  if (is_string) item.kind = Item::Kind::kBytes;
  std::vector<Item>& results = frame.results[node];
  if (results.size() <= output) results.resize(output + 1);
  results[output] = std::move(item);
  return {};
}

Status Importer::add_output(const std::string& name, const Item& item) {
  if (!item.guards.empty())
    return Error::not_supported("output \"{}\" is only computed under a condition", name);
  if (item.kind == Item::Kind::kDead)
    return Error::not_supported("output \"{}\" is on a side of a branch that is never taken", name);
  if (!item.is_value()) return Error::not_supported("output \"{}\" is no tensor of numbers", name);
  state_.graph.add_output(name, item.value);
  return {};
}

void Importer::collect_unknown(const std::vector<NodeRecord>& nodes, const std::vector<size_t>* chosen,
                               std::set<std::string_view>& functions,
                               std::map<std::string_view, std::string_view>& out) const {
  const size_t count = chosen != nullptr ? chosen->size() : nodes.size();
  for (size_t k = 0; k < count; ++k) {
    const NodeRecord& node = nodes[chosen != nullptr ? (*chosen)[k] : k];
    std::vector<std::string_view> called;
    if (record_.functions.contains(node.op)) called.push_back(node.op);
    for (const auto& [key, attr] : node.attrs) {
      if (attr.kind != AttrKind::kFunction) continue;
      if (const auto reference = parse_function_reference(attr.message)) called.push_back(reference->name);
    }
    for (const std::string_view name : called) {
      const auto function = record_.functions.find(name);
      if (function != record_.functions.end() && functions.size() < 1000 && functions.insert(name).second)
        collect_unknown(function->second.nodes, nullptr, functions, out);
    }
    const Row* row = find_row(node.op);
    if (called.empty() && !is_control_flow(node.op) && !is_placeholder(node.op) &&
        (row == nullptr || row->import == nullptr))
      out.emplace(node.op, node.name);
  }
}

/// One message for all operators that are not supported, instead of one a try.
Error Importer::with_unknown_operators(Error error, const std::vector<size_t>& outputs) const {
  if (error.message().find("this operator is not supported") == std::string::npos) return error;
  const auto needed = needed_by(outputs);
  std::set<std::string_view> functions;
  std::map<std::string_view, std::string_view> unknown;
  if (needed) collect_unknown(record_.nodes, &*needed, functions, unknown);
  if (unknown.size() < 2) return error;
  std::vector<std::string> list;
  for (const auto& [op, node] : unknown) list.push_back(format("{} (node \"{}\")", op, node));
  return Error(ErrorCode::kNotSupported, format("operators that are not supported: {}", join(list)));
}

Result<Graph> Importer::finish() {
  if (state_.graph.outputs().empty()) return Error::invalid_model("the graph has no outputs");
  Rewrite rewrite(state_.graph);
  rewrite.set_metadata("producer", "TensorFlow");
  return std::move(rewrite).apply();  // drops what nobody reads, such as sizes that became known
}

Result<Graph> Importer::import_frozen() {
  TRY(body_, walker_.body(record_.nodes));
  if (record_.nodes.empty()) return Error::invalid_model("the graph has no nodes");
  TRY(const std::vector<size_t> outputs, find_outputs());
  TRY(const std::vector<size_t> needed, needed_by(outputs));
  Frame frame{*body_, {}, {}, nullptr, {}, nullptr, nullptr, 0, {}};
  for (const size_t i : needed) {
    const NodeRecord& node = record_.nodes[i];
    if (!is_placeholder(node.op)) continue;
    if (is_learning_phase(node)) {
      frame.results[i] = {Item::of(state_.graph.add_constant(std::string(node.name), Tensor::scalar(false)))};
      continue;
    }
    TRY(Fact fact,
        placeholder_fact(*body_, node, record_.nodes).context("node \"{}\" ({})", node.name, node.op));
    const bool is_string = node.attrs.at("dtype").integer == kTypeString;
    TRY(add_input(std::string(node.name), std::move(fact), frame, i, 0, is_string));
  }
  for (const size_t i : outputs) {
    const std::string name(record_.nodes[i].name);
    auto first = walker_.output(frame, name);
    if (!first) return tl::unexpected<Error>(with_unknown_operators(std::move(first).error(), outputs));
    const std::vector<Item>& items = frame.results[i];
    if (outputs.size() > 1 && (first->kind == Item::Kind::kDead || !first->guards.empty())) continue;
    for (size_t k = 0; k < items.size(); ++k) {
      if (items[k].kind == Item::Kind::kNothing) continue;
      TRY(add_output(k == 0 ? name : format("{}:{}", name, k), items[k]));
    }
  }
  return finish();
}

Result<Graph> Importer::import_signature(const SignatureRecord& signature) {
  TRY(body_, walker_.body(record_.nodes));
  Frame frame{*body_, {}, {}, nullptr, {}, nullptr, nullptr, 0, {}};
  const auto locate = [&](std::string_view name,
                          const TensorInfo& info) -> Result<std::pair<size_t, size_t>> {
    if (info.name.empty()) return Error::not_supported("\"{}\" is no plain tensor", name);
    TRY(const Reference reference, parse_reference(info.name));
    const auto found = body_->by_name.find(reference.node);
    if (found == body_->by_name.end())
      return Error::invalid_model("\"{}\" is \"{}\", but no node has that name", name, info.name);
    return std::pair(found->second, reference.index);
  };
  for (const auto& [name, info] : signature.inputs) {
    TRY(const auto place, locate(name, info).context("input"));
    TRY(Fact fact, declared_fact(info.type, info.shape).context("input \"{}\"", name));
    if (!fact.rank_known() && is_placeholder(record_.nodes[place.first].op)) {
      TRY(fact,
          placeholder_fact(*body_, record_.nodes[place.first], record_.nodes).context("input \"{}\"", name));
    }
    if (place.second > 1000) return Error::invalid_model("input \"{}\" is \"{}\"", name, info.name);
    TRY(add_input(std::string(name), std::move(fact), frame, place.first, place.second,
                  info.type == kTypeString));
  }
  std::vector<size_t> outputs;
  for (const auto& [name, info] : signature.outputs) {
    TRY(const auto place, locate(name, info).context("output"));
    outputs.push_back(place.first);
  }
  for (const auto& [name, info] : signature.outputs) {
    auto item = walker_.output(frame, info.name);
    if (!item) return tl::unexpected<Error>(with_unknown_operators(std::move(item).error(), outputs));
    TRY(add_output(std::string(name), *item));
  }
  return finish();
}

/// Which signature is meant when nobody says.
Result<std::string_view> choose_signature(const MetaGraph& meta) {
  for (const std::string_view name : {"serving_default", "default"})
    if (const auto found = meta.signatures.find(name);
        found != meta.signatures.end() && !found->second.outputs.empty())
      return name;
  for (const auto& [name, signature] : meta.signatures)
    if (!name.starts_with("__") && !signature.outputs.empty()) return name;
  return Error::not_supported(
      "the model has no signature: save it with tf.saved_model.save(model, folder, signatures=...)");
}

/// `open_bundle` is called when the first variable is read.
Result<Graph> import_model_file(const Bytes& file, const std::function<Result<Bundle>()>& open_bundle) {
  TRY(const std::vector<MetaGraph> metas, parse_saved_model(file.span()));
  const MetaGraph* meta = nullptr;
  for (const MetaGraph& candidate : metas) {
    const bool serves =
        std::find(candidate.tags.begin(), candidate.tags.end(), "serve") != candidate.tags.end();
    if (meta == nullptr || serves) meta = &candidate;
    if (serves) break;
  }
  if (meta == nullptr) return Error::invalid_model("the SavedModel holds no graph");
  TRY(const std::string_view chosen, choose_signature(*meta));
  Importer importer(meta->graph, file);
  Variables variables(meta->graph, open_bundle);
  importer.state().read_variable = [&](std::string_view variable) {
    return variables.read(variable, importer.state().graph);
  };
  TRY(Graph graph,
      importer.import_signature(meta->signatures.at(chosen)).context("signature \"{}\"", chosen));
  std::vector<std::string_view> names;
  for (const auto& [name, signature] : meta->signatures)
    if (!name.starts_with("__")) names.push_back(name);
  graph.set_metadata("signature", std::string(chosen));
  graph.set_metadata("signatures", join(names));
  if (!meta->version.empty()) graph.set_metadata("producer", format("TensorFlow {}", meta->version));
  return graph;
}

}  // namespace
}  // namespace pochade::tensorflow

namespace pochade {

Result<Graph> import_graphdef(const Bytes& file) {
  TRY(const tensorflow::GraphRecord record, tensorflow::parse_graph(file.span()));
  return tensorflow::Importer(record, file).import_frozen();
}

Result<Graph> import_saved_model(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "saved_model.pb";
  const auto import = [&]() -> Result<Graph> {
    TRY(const Bytes file, map_file(path));
    return tensorflow::import_model_file(file,
                                         [&] { return tensorflow::Bundle::open(folder / "variables"); });
  };
  return import().context("cannot read {}", path);
}

Result<Graph> import_saved_model(const Bytes& saved_model, const Bytes& index, const Bytes& data) {
  return tensorflow::import_model_file(saved_model, [&] {
    return tensorflow::Bundle::open(index, [&](int64_t, int64_t) -> Result<Bytes> { return data; });
  });
}

bool looks_like_graphdef(const Bytes& file) {
  if (file.size() < 2) return false;
  // Nodes (1), a library (2) or versions (4) come first; a node begins with its name or operator.
  const auto first = static_cast<uint8_t>(file.data()[0]);
  return first == 0x0a || first == 0x12 || first == 0x22;
}

bool looks_like_saved_model(const Bytes& file) {
  // The schema's version, 1, then the graphs.
  return file.size() > 3 && file.data()[0] == std::byte{0x08} && file.data()[1] == std::byte{0x01} &&
         file.data()[2] == std::byte{0x12};
}

}  // namespace pochade

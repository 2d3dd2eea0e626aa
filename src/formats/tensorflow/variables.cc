#include "formats/tensorflow/variables.h"

#include "formats/tensorflow/walk.h"

namespace pochade::tensorflow {
namespace {

using ByName = std::unordered_map<std::string_view, const NodeRecord*>;

ByName by_name(const std::vector<NodeRecord>& nodes) {
  ByName out;
  for (const NodeRecord& node : nodes) out.emplace(node.name, &node);
  return out;
}

const NodeRecord* find(const ByName& nodes, std::string_view name) {
  const auto found = nodes.find(name);
  return found == nodes.end() ? nullptr : found->second;
}

/// The k-th string of a constant.
std::optional<std::string> text_at(const NodeRecord* node, size_t k) {
  if (node == nullptr || node->op != "Const") return std::nullopt;
  const auto value = node->attrs.find("value");
  if (value == node->attrs.end() || value->second.kind != AttrKind::kTensor) return std::nullopt;
  const auto tensor = parse_tensor(value->second.message);
  if (!tensor || k >= tensor->texts.size()) return std::nullopt;
  return std::string(tensor->texts[k]);
}

/// The key that a value is restored from, if it is a result of RestoreV2.
std::optional<std::string> restored_key(const ByName& nodes, std::string_view text) {
  for (int steps = 0; steps < 8; ++steps) {
    const auto reference = parse_reference(text);
    const NodeRecord* node = reference ? find(nodes, reference->node) : nullptr;
    if (node == nullptr || node->inputs.empty()) return std::nullopt;
    if (node->op == "RestoreV2" && node->inputs.size() > 1) {
      const auto names = parse_reference(node->inputs[1]);
      return names ? text_at(find(nodes, names->node), reference->index) : std::nullopt;
    }
    if (node->op != "Identity" && node->op != "Cast") return std::nullopt;
    text = node->inputs[0];
  }
  return std::nullopt;
}

/// Calls f(target, key) for each assignment of a restored value; the target is what the first input names.
template <typename F>
void for_each_restored(const std::vector<NodeRecord>& nodes, F&& f) {
  const ByName names = by_name(nodes);
  for (const NodeRecord& node : nodes) {
    if ((node.op != "Assign" && node.op != "AssignVariableOp") || node.inputs.size() < 2) continue;
    const auto target = parse_reference(node.inputs[0]);
    const auto key = restored_key(names, node.inputs[1]);
    if (target && key) f(target->node, *key);
  }
}

}  // namespace

Variables::Variables(const GraphRecord& record, std::function<Result<Bundle>()> open_bundle)
    : record_(record), open_bundle_(std::move(open_bundle)) {
  for_each_restored(record.nodes,
                    [&](std::string_view target, const std::string& key) { keys_.emplace(target, key); });
  for (const NodeRecord& node : record.nodes) {
    const auto f = node.attrs.find("f");
    if (f == node.attrs.end() || f->second.kind != AttrKind::kFunction) continue;
    const auto reference = parse_function_reference(f->second.message);
    const auto function = reference ? record.functions.find(reference->name) : record.functions.end();
    if (function == record.functions.end()) continue;
    const auto& arguments = function->second.inputs;
    for_each_restored(function->second.nodes, [&](std::string_view target, const std::string& key) {
      for (size_t i = 0; i < arguments.size() && i < node.inputs.size(); ++i)
        if (arguments[i].name == target)
          if (const auto variable = parse_reference(node.inputs[i])) keys_.emplace(variable->node, key);
    });
  }
}

/// What restores it says the key; else the variable's own name is.
Result<std::string> Variables::key_of(std::string_view variable) const {
  const auto known = keys_.find(variable);
  if (known != keys_.end()) return known->second;
  if (bundle_->has(variable)) return std::string(variable);
  for (const NodeRecord& node : record_.nodes) {
    if (node.name != variable) continue;
    const auto shared = node.attrs.find("shared_name");
    if (shared != node.attrs.end() && bundle_->has(shared->second.text))
      return std::string(shared->second.text);
  }
  return Error::not_found(
      "nothing in the model restores the variable \"{}\", and the checkpoint has no such key", variable);
}

Result<ValueId> Variables::read(std::string_view variable, Graph& graph) {
  const auto known = values_.find(variable);
  if (known != values_.end()) return known->second;
  if (!bundle_) {
    TRY(bundle_, open_bundle_());
  }
  TRY(const std::string key, key_of(variable));
  TRY(Tensor tensor, bundle_->tensor(key));
  const ValueId value = graph.add_constant(std::string(variable), std::move(tensor));
  values_.emplace(variable, value);
  return value;
}

}  // namespace pochade::tensorflow

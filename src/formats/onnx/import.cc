#include "formats/onnx/import.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "formats/onnx/rows.h"
#include "formats/onnx/scope.h"

namespace pochade::onnx {
namespace {

/// Functions that call each other deeper than this are refused.
constexpr int kMaxCallDepth = 32;

std::string quoted(std::string_view domain) {
  return domain.empty() ? "ai.onnx" : std::string(domain);
}

/// A node without a name is known by its first output.
std::string_view name_of(const NodeProto& node) {
  return !node.name.empty() || node.outputs.empty() ? node.name : node.outputs[0];
}

/// Names that a list of nodes can see, innermost first.
class Names {
 public:
  explicit Names(const Names* outer = nullptr) : outer_(outer) {}
  bool add(std::string_view name, ValueId value) { return values_.emplace(name, value).second; }
  const ValueId* find(std::string_view name) const {
    for (const Names* names = this; names != nullptr; names = names->outer_) {
      const auto found = names->values_.find(name);
      if (found != names->values_.end()) return &found->second;
    }
    return nullptr;
  }
  bool has_here(std::string_view name) const { return values_.contains(name); }

 private:
  const Names* outer_;
  std::unordered_map<std::string_view, ValueId> values_;
};

/// Order in which every node stands behind those that it reads from; the file's order where it is free.
Result<std::vector<size_t>> sorted(const std::vector<NodeProto>& nodes) {
  std::unordered_map<std::string_view, size_t> producer;
  for (size_t n = 0; n < nodes.size(); ++n)
    for (const std::string_view output : nodes[n].outputs) {
      if (output.empty()) continue;
      if (!producer.emplace(output, n).second)
        return Error::invalid_model("node \"{}\" ({}): another node writes \"{}\" already", name_of(nodes[n]),
                                    nodes[n].op_type, output);
    }
  std::vector<int> waiting(nodes.size(), 0);
  std::vector<std::vector<size_t>> readers(nodes.size());
  for (size_t n = 0; n < nodes.size(); ++n)
    for (const std::string_view input : nodes[n].inputs) {
      const auto found = producer.find(input);
      if (input.empty() || found == producer.end()) continue;
      ++waiting[n];
      readers[found->second].push_back(n);
    }
  std::set<size_t> ready;
  for (size_t n = 0; n < nodes.size(); ++n)
    if (waiting[n] == 0) ready.insert(n);
  std::vector<size_t> order;
  while (!ready.empty()) {
    const size_t n = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(n);
    for (const size_t reader : readers[n])
      if (--waiting[reader] == 0) ready.insert(reader);
  }
  if (order.size() != nodes.size()) {
    size_t stuck = 0;
    while (waiting[stuck] == 0) ++stuck;
    return Error::invalid_model("node \"{}\" ({}) is part of a cycle", name_of(nodes[stuck]),
                                nodes[stuck].op_type);
  }
  return order;
}

bool holds_nan(const Tensor& tensor) {
  if (!is_float(tensor.dtype())) return false;
  return visit(tensor.dtype(), [&]<typename T>() {
    if constexpr (std::is_integral_v<T>) {
      return false;
    } else {
      const auto values = tensor.data<T>();
      return std::any_of(values.begin(), values.end(),
                         [](const T& v) { return std::isnan(static_cast<double>(v)); });
    }
  });
}

/// What a list of nodes is imported with: a graph's or a function's.
struct Frame {
  Names names;
  const OpsetMap* opsets = nullptr;
  const std::unordered_map<std::string_view, const TensorProto*>* initializers = nullptr;
  const std::vector<AttributeProto>* arguments = nullptr;  ///< of the function call; null outside functions
  std::string prefix;                                      ///< of node names
  int depth = 0;
};

class Importer {
 public:
  Importer(const ModelProto& model, TensorFiles& files) : model_(model), files_(files) {}

  Result<Graph> import();

 private:
  Result<Fact> fact_of(const ValueInfoProto& info) const;
  const FunctionProto* find_function(std::string_view domain, std::string_view name) const;
  Result<int64_t> opset_of(const Frame& frame, std::string_view domain) const;
  void collect_unknown(const std::vector<NodeProto>& nodes, const OpsetMap& opsets, int depth);
  Status refuse_unknown() const;

  Result<ValueId> find_value(Frame& frame, std::string_view name);
  Status import_nodes(const std::vector<NodeProto>& nodes, Frame& frame);
  Status import_node(const NodeProto& node, Frame& frame);
  Status import_row(const NodeProto& node, const Row& row, int64_t opset, Frame& frame,
                    std::vector<ValueId> inputs, std::vector<AttributeProto> attributes);
  Status import_constant(const NodeProto& node, Frame& frame, const std::vector<AttributeProto>& attributes);
  Status import_function(const NodeProto& node, const FunctionProto& function, Frame& frame,
                         const std::vector<ValueId>& inputs, const std::vector<AttributeProto>& attributes);
  Status import_if(const NodeProto& node, Frame& frame, const std::vector<ValueId>& inputs);
  Status set_outputs(const NodeProto& node, Frame& frame, const std::vector<ValueId>& values);
  Result<std::vector<AttributeProto>> resolved(const NodeProto& node, const Frame& frame) const;

  const ModelProto& model_;
  TensorFiles& files_;
  Graph graph_;
  std::map<std::string, std::string> unknown_;  ///< operator, and where it is first used
  int64_t unknown_visits_ = 0;
  int64_t added_nodes_ = 0;
};

Result<Fact> Importer::fact_of(const ValueInfoProto& info) const {
  const TypeProto& type = info.type;
  if (!type.kind.empty()) return Error::not_supported("it is {}, only tensors are supported", type.kind);
  TRY(const DType dtype, element_type(type.element));
  if (!type.has_shape) return Fact(dtype, std::nullopt);
  if (type.dims.size() > static_cast<size_t>(kMaxRank))
    return Error::not_supported("{} dimensions, at most {} are", type.dims.size(), kMaxRank);
  Dims dims;
  int64_t bytes = static_cast<int64_t>(size_of(dtype));
  for (const TypeProto::Dim& dim : type.dims) {
    if (dim.has_value) {
      if (dim.value < 0) return Error::invalid_model("a dimension is {}", dim.value);
      const auto product = checked_mul(bytes, std::max<int64_t>(dim.value, 1));
      if (!product) return Error::invalid_model("the product of the dimensions overflows");
      bytes = *product;
      dims.emplace_back(dim.value);
    } else if (dim.name.empty() || dim.name == "?" || dim.name == "None") {
      dims.emplace_back();  // some exporters give every unknown size the same placeholder, which says nothing
                            // about equality
    } else {
      dims.push_back(Dim::named(std::string(dim.name)));
    }
  }
  return Fact(dtype, std::move(dims));
}

const FunctionProto* Importer::find_function(std::string_view domain, std::string_view name) const {
  for (const FunctionProto& function : model_.functions)
    if (function.name == name && function.domain == domain) return &function;
  return nullptr;
}

Result<int64_t> Importer::opset_of(const Frame& frame, std::string_view domain) const {
  const auto found = frame.opsets->find(domain);
  if (found != frame.opsets->end()) return found->second;
  const auto global = model_.opsets.find(domain);
  if (global != model_.opsets.end()) return global->second;
  return Error::invalid_model("the file does not say which version of the domain \"{}\" it uses",
                              quoted(domain));
}

void Importer::collect_unknown(const std::vector<NodeProto>& nodes, const OpsetMap& opsets, int depth) {
  for (const NodeProto& node : nodes) {
    const std::string_view domain = normal_domain(node.domain);
    if (const FunctionProto* function = find_function(domain, node.op_type)) {
      if (depth < kMaxCallDepth && ++unknown_visits_ < 100000)
        collect_unknown(function->nodes, function->opsets, depth + 1);
      continue;
    }
    const auto version = opsets.find(domain);
    const int64_t opset = version == opsets.end() ? 0 : version->second;
    if (domain.empty() && (node.op_type == "Constant" || node.op_type == "If")) continue;
    const Row* row = find_row(domain, node.op_type, opset);
    if (row != nullptr && row->import != nullptr) continue;
    std::string what = format("{} (domain {}, opset {}", node.op_type, quoted(domain), opset);
    if (row != nullptr) what += format(": {}", row->reason);
    unknown_.emplace(std::move(what), std::string(name_of(node)));
  }
}

Status Importer::refuse_unknown() const {
  if (unknown_.empty()) return {};
  std::vector<std::string> list;
  for (const auto& [what, where] : unknown_) list.push_back(format("{}, node \"{}\")", what, where));
  return Error::not_supported("{} not supported: {}",
                              list.size() == 1 ? "an operator that is" : "operators that are", join(list));
}

Result<Graph> Importer::import() {
  const GraphProto& proto = model_.graph;
  const auto standard = model_.opsets.find("");
  if (standard == model_.opsets.end() && !proto.nodes.empty() && model_.opsets.empty())
    return Error::not_supported(
        "the file names no opset, as ONNX files before 2018 did; opsets {} to {} are supported", kOldestOpset,
        kNewestOpset);
  if (standard != model_.opsets.end() && (standard->second < kOldestOpset || standard->second > kNewestOpset))
    return Error::not_supported("opset {} is not supported, {} to {} are", standard->second, kOldestOpset,
                                kNewestOpset);
  if (!proto.sparse_initializers.empty())
    return Error::not_supported("the initializer \"{}\" is a sparse tensor", proto.sparse_initializers[0]);

  collect_unknown(proto.nodes, model_.opsets, 0);
  TRY(refuse_unknown());

  graph_.set_graph_name(std::string(proto.name));
  for (const auto& [key, text] : model_.metadata) graph_.set_metadata(std::string(key), std::string(text));
  if (!model_.producer_name.empty()) graph_.set_metadata("producer", std::string(model_.producer_name));
  if (!model_.doc.empty()) graph_.set_metadata("doc", std::string(model_.doc));

  std::unordered_map<std::string_view, const TensorProto*> initializers;
  for (const TensorProto& tensor : proto.initializers) {
    if (tensor.name.empty()) return Error::invalid_model("an initializer has no name");
    if (!initializers.emplace(tensor.name, &tensor).second)
      return Error::invalid_model("two initializers have the name \"{}\"", tensor.name);
  }

  Frame frame;
  frame.opsets = &model_.opsets;
  frame.initializers = &initializers;
  for (const ValueInfoProto& input : proto.inputs) {
    if (!input.doc.empty()) graph_.set_metadata(format("doc:{}", input.name), std::string(input.doc));
    if (initializers.contains(input.name)) continue;  // IR 3 listed weights as inputs, too
    TRY(Fact fact, fact_of(input).context("input \"{}\"", input.name));
    if (input.name.empty()) return Error::invalid_model("an input has no name");
    if (!frame.names.add(input.name, graph_.add_input(std::string(input.name), std::move(fact))))
      return Error::invalid_model("two inputs have the name \"{}\"", input.name);
  }
  TRY(import_nodes(proto.nodes, frame));

  std::set<std::string_view> seen;
  for (const ValueInfoProto& output : proto.outputs) {
    if (!output.doc.empty()) graph_.set_metadata(format("doc:{}", output.name), std::string(output.doc));
    if (!seen.insert(output.name).second)
      return Error::invalid_model("two outputs have the name \"{}\"", output.name);
    TRY(const ValueId value, find_value(frame, output.name).context("output \"{}\"", output.name));
    if (output.type.kind.empty() && output.type.element != ElementType::kUndefined) {
      TRY(const DType declared, element_type(output.type.element).context("output \"{}\"", output.name));
      if (graph_.fact(value).dtype != declared)
        return Error::invalid_model("output \"{}\" is declared {}, but it is {}", output.name,
                                    pochade::to_string(declared),
                                    pochade::to_string(*graph_.fact(value).dtype));
    }
    graph_.add_output(std::string(output.name), value);
  }
  if (proto.outputs.empty()) return Error::invalid_model("the graph has no outputs");
  return std::move(graph_);
}

Result<ValueId> Importer::find_value(Frame& frame, std::string_view name) {
  if (const ValueId* known = frame.names.find(name)) return *known;
  if (frame.initializers != nullptr) {
    const auto found = frame.initializers->find(name);
    if (found != frame.initializers->end()) {
      TRY(Tensor tensor, files_.tensor(*found->second));
      if (holds_nan(tensor))
        graph_.set_metadata(format("warning:{}", name), "holds values that are not numbers (NaN)");
      const ValueId value = graph_.add_constant(std::string(name), std::move(tensor));
      frame.names.add(name, value);
      return value;
    }
  }
  return Error::invalid_model("\"{}\" is read, but no input, initializer or node gives it", name);
}

Status Importer::import_nodes(const std::vector<NodeProto>& nodes, Frame& frame) {
  TRY(const std::vector<size_t> order, sorted(nodes));
  for (const size_t n : order) {
    const NodeProto& node = nodes[n];
    Status status = import_node(node, frame);
    if (status) continue;
    // What our own operators refuse names the node already.
    Error error = std::move(status).error();
    if (!error.text().starts_with("node \""))
      error.add_context(format("node \"{}{}\" ({})", frame.prefix, name_of(node), node.op_type));
    return tl::unexpected<Error>(std::move(error));
  }
  return {};
}

/// Attributes with the references to the enclosing function's arguments replaced by their values.
Result<std::vector<AttributeProto>> Importer::resolved(const NodeProto& node, const Frame& frame) const {
  std::vector<AttributeProto> out;
  std::set<std::string_view> seen;
  for (const AttributeProto& attribute : node.attributes) {
    if (!seen.insert(attribute.name).second)
      return Error::invalid_model("attribute \"{}\" is there twice", attribute.name);
    if (attribute.reference.empty()) {
      out.push_back(attribute);
      continue;
    }
    if (frame.arguments == nullptr)
      return Error::invalid_model(
          "attribute \"{}\" refers to a function's attribute, but the node is in no function",
          attribute.name);
    for (const AttributeProto& argument : *frame.arguments) {
      if (argument.name != attribute.reference) continue;
      out.push_back(argument);
      out.back().name = attribute.name;
    }
  }
  return out;
}

Status Importer::import_node(const NodeProto& node, Frame& frame) {
  // A function that calls functions that call functions grows exponentially with the file's size.
  if (++added_nodes_ > 1000000)
    return Error::not_supported("the functions expand to more than a million nodes");
  TRY(const std::vector<AttributeProto> attributes, resolved(node, frame));
  std::vector<ValueId> inputs;
  for (const std::string_view input : node.inputs) {
    if (input.empty()) {
      inputs.push_back(kNone);
    } else {
      TRY(inputs.emplace_back(), find_value(frame, input));
    }
  }
  const std::string_view domain = normal_domain(node.domain);
  if (const FunctionProto* function = find_function(domain, node.op_type))
    return import_function(node, *function, frame, inputs, attributes);
  if (domain.empty() && node.op_type == "Constant") return import_constant(node, frame, attributes);
  if (domain.empty() && node.op_type == "If") return import_if(node, frame, inputs);
  TRY(const int64_t opset, opset_of(frame, domain));
  const Row* row = find_row(domain, node.op_type, opset);
  if (row == nullptr || row->import == nullptr)
    return Error::not_supported("not supported (domain {}, opset {})", quoted(domain), opset);
  return import_row(node, *row, opset, frame, std::move(inputs), attributes);
}

Status Importer::import_row(const NodeProto& node, const Row& row, int64_t opset, Frame& frame,
                            std::vector<ValueId> inputs, std::vector<AttributeProto> attributes) {
  NodeScope scope(graph_, files_, node, static_cast<int>(opset), frame.prefix, std::move(inputs),
                  std::move(attributes));
  TRY(row.import(scope));
  TRY(scope.finish());
  return set_outputs(node, frame, scope.results());
}

Status Importer::set_outputs(const NodeProto& node, Frame& frame, const std::vector<ValueId>& values) {
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const std::string_view name = node.outputs[i];
    if (name.empty() || i >= values.size() || values[i] == kNone) continue;
    if (!frame.names.add(name, values[i]))
      return Error::invalid_model("it writes \"{}\", which exists already", name);
    if (graph_.value(values[i]).producer != kNone)
      graph_.set_name(values[i], frame.prefix + std::string(name));
  }
  return {};
}

Status Importer::import_constant(const NodeProto& node, Frame& frame,
                                 const std::vector<AttributeProto>& attributes) {
  if (attributes.size() != 1)
    return Error::invalid_model("has {} attributes, expected one value", attributes.size());
  const AttributeProto& value = attributes[0];
  Tensor tensor;
  if (value.name == "value" && value.type == AttributeType::kTensor) {
    TRY(const TensorProto proto, parse_tensor(value.message));
    TRY(tensor, files_.tensor(proto));
  } else if (value.name == "value_float" && value.type == AttributeType::kNumber) {
    tensor = Tensor::scalar<float>(value.number);
  } else if (value.name == "value_int" && value.type == AttributeType::kInteger) {
    tensor = Tensor::scalar<int64_t>(value.integer);
  } else if (value.name == "value_floats" && value.type == AttributeType::kNumbers) {
    tensor = Tensor::of<float>({static_cast<int64_t>(value.numbers.size())}, value.numbers);
  } else if (value.name == "value_ints" && value.type == AttributeType::kIntegers) {
    tensor = Tensor::of<int64_t>({static_cast<int64_t>(value.integers.size())}, value.integers);
  } else {
    return Error::not_supported("attribute \"{}\" is {}: not supported", value.name, to_string(value.type));
  }
  if (node.outputs.size() != 1 || node.outputs[0].empty()) return Error::invalid_model("expected one output");
  if (holds_nan(tensor))
    graph_.set_metadata(format("warning:{}", node.outputs[0]), "holds values that are not numbers (NaN)");
  return set_outputs(node, frame, {graph_.add_constant(std::string(node.outputs[0]), std::move(tensor))});
}

Status Importer::import_function(const NodeProto& node, const FunctionProto& function, Frame& frame,
                                 const std::vector<ValueId>& inputs,
                                 const std::vector<AttributeProto>& attributes) {
  if (frame.depth >= kMaxCallDepth)
    return Error::invalid_model("functions call each other more than {} deep", kMaxCallDepth);
  if (inputs.size() > function.inputs.size())
    return Error::invalid_model("has {} inputs, the function {}", inputs.size(), function.inputs.size());
  std::vector<AttributeProto> arguments = attributes;
  for (const AttributeProto& attribute : attributes) {
    const auto is_this = [&](const AttributeProto& other) { return other.name == attribute.name; };
    if (std::find(function.attributes.begin(), function.attributes.end(), attribute.name) ==
            function.attributes.end() &&
        std::none_of(function.defaults.begin(), function.defaults.end(), is_this))
      return Error::invalid_model("the function has no attribute \"{}\"", attribute.name);
  }
  for (const AttributeProto& standard : function.defaults) {
    const auto is_this = [&](const AttributeProto& other) { return other.name == standard.name; };
    if (std::none_of(arguments.begin(), arguments.end(), is_this)) arguments.push_back(standard);
  }
  Frame inner;
  inner.opsets = &function.opsets;
  inner.arguments = &arguments;
  inner.depth = frame.depth + 1;
  inner.prefix = format("{}{}/", frame.prefix, name_of(node));
  for (size_t i = 0; i < function.inputs.size(); ++i) {
    // An absent optional input is an absent input of whoever reads it.
    if (!inner.names.add(function.inputs[i], i < inputs.size() ? inputs[i] : kNone))
      return Error::invalid_model("two inputs of the function have the name \"{}\"", function.inputs[i]);
  }
  TRY(import_nodes(function.nodes, inner));
  if (node.outputs.size() > function.outputs.size())
    return Error::invalid_model("has {} outputs, the function {}", node.outputs.size(),
                                function.outputs.size());
  std::vector<ValueId> values;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    TRY(values.emplace_back(), find_value(inner, function.outputs[i]));
  }
  return set_outputs(node, frame, values);
}

/// Only with a condition that is known: then one of the two branches takes the node's place.
Status Importer::import_if(const NodeProto& node, Frame& frame, const std::vector<ValueId>& inputs) {
  if (inputs.size() != 1 || inputs[0] == kNone) return Error::invalid_model("expected one input");
  const Fact& condition = graph_.fact(inputs[0]);
  if (!condition.is_constant())
    return Error::not_supported("its condition is computed while running: not supported");
  if (condition.constant.elements() != 1)
    return Error::invalid_model("its condition has {} elements", condition.constant.elements());
  const std::string_view branch = to_int64s(condition.constant)[0] != 0 ? "then_branch" : "else_branch";
  const AttributeProto* body = nullptr;
  for (const AttributeProto& attribute : node.attributes)
    if (attribute.name == branch && attribute.type == AttributeType::kGraph) body = &attribute;
  if (body == nullptr) return Error::invalid_model("{} is missing", branch);
  if (frame.depth >= kMaxCallDepth)
    return Error::invalid_model("graphs are nested more than {} deep", kMaxCallDepth);
  // Its views point into the file, as those of the outer graph do; the records have to outlive the frame
  // only.
  TRY(const GraphProto graph, parse_graph(body->message).context("{}", branch));
  std::unordered_map<std::string_view, const TensorProto*> initializers;
  if (frame.initializers != nullptr) initializers = *frame.initializers;
  for (const TensorProto& tensor : graph.initializers) initializers[tensor.name] = &tensor;
  Frame inner{Names(&frame.names), frame.opsets, &initializers,
              frame.arguments,     frame.prefix, frame.depth + 1};
  TRY(import_nodes(graph.nodes, inner));
  std::vector<ValueId> values;
  for (const ValueInfoProto& output : graph.outputs) {
    TRY(values.emplace_back(), find_value(inner, output.name));
  }
  return set_outputs(node, frame, values);
}

}  // namespace
}  // namespace pochade::onnx

namespace pochade {

Result<Graph> import_onnx(const Bytes& file, const std::filesystem::path& folder) {
  TRY(const onnx::ModelProto model, onnx::parse_model(file));
  onnx::TensorFiles files(file, folder);
  return onnx::Importer(model, files).import();
}

Result<Graph> import_onnx(const std::filesystem::path& path) {
  TRY(const Bytes file, map_file(path));
  const std::filesystem::path folder =
      path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return import_onnx(file, path == "-" ? std::filesystem::path() : folder).context("cannot read {}", path);
}

}  // namespace pochade

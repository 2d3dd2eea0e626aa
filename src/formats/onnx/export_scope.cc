#include "formats/onnx/export_scope.h"

namespace pochade::onnx {
namespace {

const Op& inner(const Op& op) {
  const auto* turned = dynamic_cast<const ChannelsFirst*>(&op);
  return turned == nullptr ? op : *turned->op;
}

void drop_absent(std::vector<std::string>& names) {
  while (!names.empty() && names.back().empty()) names.pop_back();
}

}  // namespace

std::string ExportContext::name(ValueId value) {
  if (value == kNone) return "";
  const auto found = names.find(value);
  if (found != names.end()) return found->second;
  std::string made = file.unique_name(graph.value(value).name);
  names.emplace(value, made);
  if (graph.value(value).producer == kNone && graph.fact(value).is_constant())
    file.add_initializer(made, graph.fact(value).constant);
  return made;
}

ExportScope::ExportScope(ExportContext& context, const Node& node)
    : context_(context), node_(node), op_(inner(*node.op)), turned_(&op_ != node.op.get()) {}

Status ExportScope::needs_opset(int least, std::string_view what) const {
  if (opset() >= least) return {};
  Error error(ErrorCode::kNotSupported, format("ONNX has {} since opset {} only", what, least));
  return tl::unexpected<Error>(std::move(error).with_hint(format("Write it with --opset {}.", least)));
}

std::string ExportScope::input(size_t i) const {
  return has_input(i) ? context_.name(node_.inputs[i]) : "";
}

std::vector<std::string> ExportScope::inputs() const {
  std::vector<std::string> out;
  for (size_t i = 0; i < node_.inputs.size(); ++i) out.push_back(input(i));
  drop_absent(out);
  return out;
}

Fact ExportScope::fact(size_t i) const {
  return has_input(i) ? context_.graph.fact(node_.inputs[i]) : Fact();
}

Fact ExportScope::output_fact(size_t i) const {
  return i < node_.outputs.size() ? context_.graph.fact(node_.outputs[i]) : Fact();
}

std::optional<std::vector<int64_t>> ExportScope::known_integers(size_t i) const {
  return has_input(i) ? constant_ints(fact(i)) : std::nullopt;
}

std::string ExportScope::int64_input(size_t i) {
  const Fact x = fact(i);
  if (!x.present() || x.dtype == DType::kI64) return input(i);
  if (const auto values = known_integers(i)) {
    Tensor tensor = Tensor::of<int64_t>(x.constant.shape(), *values);
    return constant(tensor);
  }
  return add("Cast", {input(i)}, Attributes().integer("to", static_cast<int64_t>(ElementType::kInt64)));
}

std::string ExportScope::int64_vector(size_t i) {
  const Fact x = fact(i);
  if (!x.present() || !x.rank_known() || x.rank() == 1) return int64_input(i);
  if (const auto values = known_integers(i)) return constant(*values);
  return add("Reshape", {int64_input(i), constant(std::vector<int64_t>{-1})});
}

std::string ExportScope::scalar_input(size_t i) const {
  const Fact x = fact(i);
  if (!x.is_constant() || x.constant.elements() != 1 || x.constant.rank() == 0) return input(i);
  return constant(x.constant.reshaped({}));
}

std::vector<std::string> ExportScope::outputs() const {
  std::vector<std::string> out;
  for (const ValueId output : node_.outputs)
    out.push_back(context_.graph.fact(output).present() ? context_.name(output) : "");
  return out;
}

std::string ExportScope::constant(const Tensor& tensor) const {
  std::string made = context_.file.unique_name(format("{}/constant", name()));
  context_.file.add_initializer(made, tensor);
  return made;
}

Result<std::string> ExportScope::number(double value, DType dtype) const {
  TRY(const Tensor tensor, Tensor::scalar<double>(value).cast(dtype));
  return constant(tensor);
}

std::string ExportScope::add(std::string_view op_type, std::vector<std::string> inputs,
                             const Attributes& attributes) {
  drop_absent(inputs);
  const std::string own = format("{}/{}", name(), ++added_);
  std::string output = context_.file.unique_name(own);
  context_.file.add_node(op_type, "", own, inputs, {output}, attributes);
  return output;
}

std::vector<std::string> ExportScope::add_all(std::string_view op_type, std::vector<std::string> inputs,
                                              const Attributes& attributes) {
  drop_absent(inputs);
  const std::string own = format("{}/{}", name(), ++added_);
  std::vector<std::string> made;
  for (const std::string& output : outputs())
    made.push_back(output.empty() ? "" : context_.file.unique_name(own));
  context_.file.add_node(op_type, "", own, inputs, made, attributes);
  return made;
}

Status ExportScope::emit(std::string_view op_type, std::vector<std::string> inputs,
                         const Attributes& attributes, size_t count) {
  drop_absent(inputs);
  std::vector<std::string> written = outputs();
  if (written.size() > count) written.resize(count);
  drop_absent(written);
  context_.file.add_node(op_type, "", name(), inputs, written, attributes);
  return {};
}

Status ExportScope::emit_output(size_t i, std::string_view op_type, std::vector<std::string> inputs,
                                const Attributes& attributes) {
  drop_absent(inputs);
  context_.file.add_node(op_type, "", name(), inputs, {outputs().at(i)}, attributes);
  return {};
}

const ExportRow* find_export_row(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const ExportRow*> map;
    for (const auto rows : {elementwise_export_rows(), index_export_rows(), norm_export_rows(),
                            other_export_rows(), quant_export_rows(), recurrent_export_rows(),
                            resize_export_rows(), shape_export_rows(), window_export_rows()})
      for (const ExportRow& row : rows) CHECK(map.emplace(row.name, &row).second);
    return map;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

}  // namespace pochade::onnx

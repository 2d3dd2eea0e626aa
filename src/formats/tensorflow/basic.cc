// Constants, variables, and nodes that pass their input on.

#include "formats/tensorflow/rows.h"
#include "ops/shape/generate.h"

namespace pochade::tensorflow {
namespace {

/// Constants larger than this that the file writes as one value become a node that makes them.
constexpr int64_t kSplatLimitBytes = int64_t{1} << 20;

Status const_(NodeScope& node) {
  node.ignore("dtype");
  TRY(const TensorRecord record, node.tensor("value"));
  if (record.type == kTypeString) {
    Item item;
    item.kind = Item::Kind::kTexts;
    item.texts = record.texts;
    node.set_output(0, std::move(item));
    return {};
  }
  int64_t& left = node.state().splat_bytes_left;
  TRY(Elements elements, read_elements(record, node.state().file, std::min(left, kSplatLimitBytes)));
  if (elements.tensor.defined()) {
    if (!record.has_content) left -= std::min(left, static_cast<int64_t>(elements.tensor.byte_size()));
    node.set_output(0, node.state().graph.add_constant(node.name(), std::move(elements.tensor)));
    return {};
  }
  ConstantOfShape op;
  op.value = elements.splat.reshaped({1});
  const auto dims = elements.shape.dims();
  const ValueId shape = node.constant(std::vector<int64_t>(dims.begin(), dims.end()));
  TRY(const auto filled, node.state().graph.add_node(node.name(), make_op(std::move(op)), {shape}));
  node.set_output(0, filled.at(0));
  return {};
}

/// Whatever the input is, without the attributes that say nothing here.
Status pass(NodeScope& node) {
  for (const std::string_view name : {"message", "first_n", "summarize", "shape", "dtype", "tensor_name"})
    node.ignore(name);
  TRY(Item item, node.item(0));
  node.set_output(0, std::move(item));
  return {};
}

Status pass_all(NodeScope& node) {
  for (size_t i = 0; i < node.input_count(); ++i) {
    TRY(Item item, node.item(i));
    node.set_output(i, std::move(item));
  }
  return {};
}

/// The shape that the model promises, as far as it says more than we know.
Status ensure_shape(NodeScope& node) {
  TRY(const ShapeRecord shape, node.shape("shape"));
  node.ignore("dtype");
  TRY(const ValueId x, node.input(0));
  const Fact known = node.fact_of(x);
  if (!shape.unknown_rank && known.rank_known()) {
    if (static_cast<size_t>(known.rank()) != shape.dims.size())
      return Error::invalid_model("the input has rank {}, the shape {}", known.rank(), shape.dims.size());
    for (int i = 0; i < known.rank(); ++i) {
      const int64_t dim = shape.dims[static_cast<size_t>(i)];
      if (dim >= 0 && known.dim(i).is_number() && !known.dim(i).is(dim))
        return Error::invalid_model("axis {} has size {}, expected {}", i, known.dim(i), dim);
    }
  }
  const auto open = std::count(shape.dims.begin(), shape.dims.end(), -1);
  if (shape.unknown_rank || open > 1) {
    node.set_output(0, x);
    return {};
  }
  if (known.shape()) {
    node.set_output(0, x);
    return {};
  }
  TRY(const ValueId y, node.reshape(x, shape.dims));
  node.set_output(0, y);
  return {};
}

Status nothing(NodeScope& node) {
  for (const std::string_view name : {"summarize", "message", "end", "output_stream"}) node.ignore(name);
  return {};
}

Status variable_handle(NodeScope& node) {
  node.ignore("dtype");
  node.ignore("shape");
  Item item;
  item.kind = Item::Kind::kVariable;
  item.variable = node.record_name();
  node.set_output(0, std::move(item));
  return {};
}

/// A variable of TensorFlow 1 is its own value.
Status variable(NodeScope& node) {
  node.ignore("dtype");
  node.ignore("shape");
  TRY(const ValueId value, node.state().read_variable(node.record_name()));
  node.set_output(0, value);
  return {};
}

Status read_variable(NodeScope& node) {
  node.ignore("dtype");
  TRY(const Item handle, node.item(0));
  if (handle.kind != Item::Kind::kVariable) return Error::invalid_model("its input is no variable's handle");
  TRY(const ValueId value, node.state().read_variable(handle.variable));
  node.set_output(0, value);
  return {};
}

Status fill(NodeScope& node) {
  node.ignore("index_type");
  TRY(const ValueId raw, node.input(0));
  TRY(const ValueId shape, node.as_int64(raw));
  TRY(const Tensor value, node.constant_tensor(1, "value"));
  if (value.elements() != 1) return Error::invalid_model("the value has {} elements", value.elements());
  ConstantOfShape op;
  op.value = value.reshaped({1});
  return node.emit(std::move(op), {shape});
}

/// Zeroes or ones of the input's shape.
template <int kValue>
Status like(NodeScope& node) {
  TRY(const ValueId x, node.input(0));
  TRY(const ValueId shape, node.shape_of(x));
  ConstantOfShape op;
  TRY(op.value, Tensor::of<float>({1}, {kValue}).cast(*node.fact_of(x).dtype));
  return node.emit(std::move(op), {shape});
}

constexpr Row kBasicRows[] = {
    {"Const", const_},
    {"Fill", fill},
    {"ZerosLike", like<0>},
    {"OnesLike", like<1>},
    {"Identity", pass},
    {"IdentityN", pass_all},
    {"Snapshot", pass},
    {"StopGradient", pass},
    {"PreventGradient", pass},
    {"CheckNumerics", pass},
    {"CheckNumericsV2", pass},
    {"Print", pass},
    {"LoopCond", pass},
    {"PlaceholderWithDefault", pass},
    {"EnsureShape", ensure_shape},
    {"NoOp", nothing},
    {"Assert", nothing},
    {"PrintV2", nothing},
    {"ControlTrigger", nothing},
    {"VarHandleOp", variable_handle},
    {"VariableV2", variable},
    {"Variable", variable},
    {"ReadVariableOp", read_variable},
};

}  // namespace

std::span<const Row> basic_rows() {
  return kBasicRows;
}

}  // namespace pochade::tensorflow

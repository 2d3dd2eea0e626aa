// TensorArray and TensorList, which loops fill: while importing they are lists of values, and nothing of them
// is left in the graph.

#include "formats/tensorflow/rows.h"
#include "ops/shape/concat.h"
#include "ops/shape/generate.h"

namespace pochade::tensorflow {
namespace {

constexpr int64_t kMostElements = 100000;

Result<const List*> list_input(const Item& item, size_t i) {
  if (item.kind != Item::Kind::kList) return Error::invalid_model("input {} is no list of tensors", i);
  return item.list.get();
}

Result<List> list_of_size(DType dtype, int64_t size) {
  if (size < 0 || size > kMostElements)
    return Error::not_supported("a list of {} tensors, at most {} are supported", size, kMostElements);
  return List{std::vector<ValueId>(static_cast<size_t>(size), kNone), dtype};
}

Status check_index(const List& list, int64_t index) {
  if (index >= 0 && index < static_cast<int64_t>(list.elements.size())) return {};
  return Error::invalid_model("element {} of a list of {}", index, list.elements.size());
}

/// An element that nobody has written is zeroes of the shape that the node promises.
Result<ValueId> element_or_zeroes(NodeScope& node, const List& list, size_t i,
                                  std::span<const std::optional<int64_t>> shape) {
  if (list.elements[i] != kNone) return list.elements[i];
  std::vector<int64_t> dims;
  for (const auto& dim : shape)
    if (dim && *dim >= 0) dims.push_back(*dim);
  if (dims.size() != shape.size() || shape.empty())
    return Error::not_supported("element {} of the list is read before it is written", i);
  ConstantOfShape op;
  TRY(op.value, Tensor::of<float>({1}, {0}).cast(list.dtype));
  return node.add(std::move(op), {node.constant(dims)});
}

/// What is known of an element's shape from an input of the node.
PartInts promised_shape(NodeScope& node, size_t i) {
  const auto value = node.input(i);
  if (!value) return {};
  return node.integers_of(*value).value_or(PartInts());
}

/// A new first axis.
Result<ValueId> stack(NodeScope& node, const List& list, std::span<const int64_t> indices,
                      const PartInts& shape) {
  if (indices.empty()) return Error::not_supported("an empty list of tensors is read");
  std::vector<ValueId> parts;
  for (const int64_t index : indices) {
    TRY(check_index(list, index));
    TRY(const ValueId element, element_or_zeroes(node, list, static_cast<size_t>(index), shape));
    TRY(parts.emplace_back(), node.unsqueeze(element, {0}));
  }
  if (parts.size() == 1) return parts[0];
  return node.add(Concat{}, std::move(parts));
}

std::vector<int64_t> all_indices(const List& list) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < list.elements.size(); ++i) out.push_back(static_cast<int64_t>(i));
  return out;
}

/// The slices along the first axis.
Result<std::vector<ValueId>> unstack(NodeScope& node, ValueId x) {
  const Fact fact = node.fact_of(x);
  if (!fact.rank_known() || fact.rank() < 1 || !fact.dim(0).is_number())
    return Error::not_supported("the number of steps is not known before running: {}", fact);
  const int64_t count = fact.dim(0).number();
  if (count < 1 || count > kMostElements)
    return Error::not_supported("{} steps, 1 to {} are supported", count, kMostElements);
  Split op;
  op.outputs = count;
  std::vector<ValueId> out{x};
  if (count > 1) {
    TRY(out, node.add_all(make_op(op), {x}));
  }
  for (ValueId& value : out) {
    TRY(value, node.squeeze(value, {0}));
  }
  return out;
}

void set_list(NodeScope& node, size_t output, List list) {
  node.set_output(output, Item::of(std::move(list)));
}

Status ignore_hints(NodeScope& node) {
  for (const std::string_view name :
       {"element_shape", "dynamic_size", "clear_after_read", "identical_element_shapes", "tensor_array_name",
        "shape_type", "dtype", "element_dtype", "num_elements", "resize_if_index_out_of_bounds",
        "element_shape_except0"})
    node.ignore(name);
  return {};
}

// TensorArray: its contents travel with the flow.

Status tensor_array(NodeScope& node) {
  TRY(const DType dtype, node.dtype("dtype"));
  TRY(ignore_hints(node));
  TRY(const int64_t size, node.constant_integer(0, "size"));
  TRY(const List list, list_of_size(dtype, size));
  set_list(node, 0, list);
  set_list(node, 1, list);
  return {};
}

Status set_element(NodeScope& node, const Item& list_item, size_t list_input_index, size_t index_input,
                   size_t value_input) {
  TRY(const List* before, list_input(list_item, list_input_index));
  TRY(const int64_t index, node.constant_integer(index_input, "index"));
  TRY(const ValueId value, node.input(value_input));
  List list = *before;
  if (index < 0 || index >= kMostElements) return Error::invalid_model("the index is {}", index);
  if (static_cast<size_t>(index) >= list.elements.size())
    list.elements.resize(static_cast<size_t>(index) + 1, kNone);
  list.elements[static_cast<size_t>(index)] = value;
  set_list(node, 0, std::move(list));
  return {};
}

Status array_write(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item flow, node.item(3));
  return set_element(node, flow, 3, 1, 2);
}

Status array_read(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item flow, node.item(2));
  TRY(const List* list, list_input(flow, 2));
  TRY(const int64_t index, node.constant_integer(1, "index"));
  TRY(check_index(*list, index));
  TRY(const ValueId value, element_or_zeroes(node, *list, static_cast<size_t>(index), {}));
  node.set_output(0, value);
  return {};
}

Status array_gather(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item flow, node.item(2));
  TRY(const List* list, list_input(flow, 2));
  TRY(const Tensor indices, node.constant_tensor(1, "indices"));
  TRY(const ValueId y, stack(node, *list, to_int64s(indices), {}));
  node.set_output(0, y);
  return {};
}

Status array_scatter(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item flow, node.item(3));
  TRY(const List* before, list_input(flow, 3));
  TRY(const Tensor tensor, node.constant_tensor(1, "indices"));
  const auto indices = to_int64s(tensor);
  TRY(const ValueId x, node.input(2));
  TRY(const auto parts, unstack(node, x));
  if (parts.size() != indices.size())
    return Error::invalid_model("{} indices for {} tensors", indices.size(), parts.size());
  List list = *before;
  for (size_t i = 0; i < parts.size(); ++i) {
    TRY(check_index(list, indices[i]));
    list.elements[static_cast<size_t>(indices[i])] = parts[i];
  }
  set_list(node, 0, std::move(list));
  return {};
}

Status array_size(NodeScope& node) {
  TRY(const Item flow, node.item(1));
  TRY(const List* list, list_input(flow, 1));
  node.set_output(0, node.scalar(static_cast<int32_t>(list->elements.size())));
  return {};
}

Status array_close(NodeScope&) {
  return {};
}

// TensorList.

Status list_reserve(NodeScope& node) {
  TRY(const DType dtype, node.dtype("element_dtype"));
  TRY(ignore_hints(node));
  TRY(const int64_t size, node.constant_integer(1, "num_elements"));
  TRY(List list, list_of_size(dtype, size));
  set_list(node, 0, std::move(list));
  return {};
}

Status list_empty(NodeScope& node) {
  TRY(const DType dtype, node.dtype("element_dtype"));
  TRY(ignore_hints(node));
  set_list(node, 0, List{{}, dtype});
  return {};
}

Status list_from_tensor(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const ValueId x, node.input(0));
  TRY(auto parts, unstack(node, x));
  set_list(node, 0, List{std::move(parts), *node.fact_of(x).dtype});
  return {};
}

Status list_set(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item list, node.item(0));
  return set_element(node, list, 0, 1, 2);
}

Status list_get(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item item, node.item(0));
  TRY(const List* list, list_input(item, 0));
  TRY(const int64_t index, node.constant_integer(1, "index"));
  TRY(check_index(*list, index));
  TRY(const ValueId value,
      element_or_zeroes(node, *list, static_cast<size_t>(index), promised_shape(node, 2)));
  node.set_output(0, value);
  return {};
}

Status list_stack(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item item, node.item(0));
  TRY(const List* list, list_input(item, 0));
  TRY(const ValueId y, stack(node, *list, all_indices(*list), promised_shape(node, 1)));
  node.set_output(0, y);
  return {};
}

Status list_gather(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item item, node.item(0));
  TRY(const List* list, list_input(item, 0));
  TRY(const Tensor indices, node.constant_tensor(1, "indices"));
  TRY(const ValueId y, stack(node, *list, to_int64s(indices), promised_shape(node, 2)));
  node.set_output(0, y);
  return {};
}

Status list_push_back(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item item, node.item(0));
  TRY(const List* before, list_input(item, 0));
  TRY(const ValueId value, node.input(1));
  List list = *before;
  if (static_cast<int64_t>(list.elements.size()) >= kMostElements)
    return Error::not_supported("a list of more than {} tensors", kMostElements);
  list.elements.push_back(value);
  set_list(node, 0, std::move(list));
  return {};
}

Status list_pop_back(NodeScope& node) {
  TRY(ignore_hints(node));
  TRY(const Item item, node.item(0));
  TRY(const List* before, list_input(item, 0));
  if (before->elements.empty()) return Error::invalid_model("the list is empty");
  TRY(const ValueId last,
      element_or_zeroes(node, *before, before->elements.size() - 1, promised_shape(node, 1)));
  List list = *before;
  list.elements.pop_back();
  set_list(node, 0, std::move(list));
  node.set_output(1, last);
  return {};
}

Status list_length(NodeScope& node) {
  TRY(const Item item, node.item(0));
  TRY(const List* list, list_input(item, 0));
  node.set_output(0, node.scalar(static_cast<int32_t>(list->elements.size())));
  return {};
}

constexpr Row kListsRows[] = {
    {"EmptyTensorList", list_empty},
    {"TensorArrayCloseV3", array_close},
    {"TensorArrayGatherV3", array_gather},
    {"TensorArrayReadV3", array_read},
    {"TensorArrayScatterV3", array_scatter},
    {"TensorArraySizeV3", array_size},
    {"TensorArrayV3", tensor_array, "handle flow"},
    {"TensorArrayWriteV3", array_write},
    {"TensorListFromTensor", list_from_tensor},
    {"TensorListGather", list_gather},
    {"TensorListGetItem", list_get},
    {"TensorListLength", list_length},
    {"TensorListPopBack", list_pop_back, "output_handle tensor"},
    {"TensorListPushBack", list_push_back},
    {"TensorListReserve", list_reserve},
    {"TensorListSetItem", list_set},
    {"TensorListStack", list_stack},
};

}  // namespace

std::span<const Row> list_rows() {
  return kListsRows;
}

}  // namespace pochade::tensorflow

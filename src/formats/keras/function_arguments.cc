#include "formats/keras/function_arguments.h"

namespace pochade::keras::call {

const Operand* find(LayerScope& layer, size_t position, ArgumentNames names) {
  const Operand* out = nullptr;
  for (const std::string_view name : names)
    if (const Operand* found = layer.argument(position, name); found != nullptr && out == nullptr)
      out = found;
  return out;
}

Result<std::vector<int64_t>> integers(const Operand* operand, std::string_view what,
                                      std::vector<int64_t> otherwise) {
  if (operand == nullptr) return otherwise;
  const Json& json = operand->literal;
  if (operand->is_tensor() || operand->is_list)
    return Error::not_supported("{} is computed while running", what);
  if (json.integer() != nullptr) return std::vector<int64_t>{*json.integer()};
  std::vector<int64_t> out;
  if (json.list() == nullptr) return Error::not_supported("{} is {}", what, json.dump(60));
  for (const Json& item : *json.list()) {
    if (item.integer() == nullptr) return Error::not_supported("{} is {}", what, json.dump(60));
    out.push_back(*item.integer());
  }
  return out;
}

Result<int64_t> integer(const Operand* operand, std::string_view what, int64_t otherwise) {
  TRY(const auto values, integers(operand, what, {otherwise}));
  if (values.size() != 1) return Error::not_supported("{} has {} values, expected one", what, values.size());
  return values[0];
}

Result<bool> flag(const Operand* operand, bool otherwise) {
  if (operand == nullptr) return otherwise;
  if (operand->literal.boolean() == nullptr)
    return Error::not_supported("a flag is {}", operand->literal.dump(60));
  return *operand->literal.boolean();
}

bool asked(LayerScope& layer, std::string_view name) {
  const Operand* operand = layer.argument(SIZE_MAX, name);
  return operand != nullptr && (operand->literal.boolean() == nullptr || *operand->literal.boolean());
}

Result<float> number(const Operand* operand, std::string_view what, float otherwise) {
  if (operand == nullptr) return otherwise;
  if (!operand->literal.is_number()) return Error::not_supported("{} is {}", what, operand->literal.dump(60));
  return static_cast<float>(operand->literal.number());
}

Result<Values> pair(LayerScope& layer) {
  const Operand* a = find(layer, 0, {"x1", "x", "a"});
  const Operand* b = find(layer, 1, {"x2", "y", "b"});
  if (a == nullptr || b == nullptr) return Error::not_supported("it is called without two values");
  if (!a->is_tensor() && !b->is_tensor()) return Error::not_supported("it is called without a tensor");
  TRY(const ValueId first, layer.operand(*a, b->value));
  TRY(const ValueId second, layer.operand(*b, a->value));
  return Values{first, second};
}

Result<Values> tensors(LayerScope& layer) {
  const Operand* list = find(layer, 0, {"values", "xs", "x"});
  if (list == nullptr || (!list->is_list && !list->is_tensor()))
    return Error::not_supported("it is called without a list of tensors");
  if (list->is_tensor()) return Values{list->value};
  ValueId like = kNone;
  for (const Operand& item : list->items)
    if (item.is_tensor() && like == kNone) like = item.value;
  Values out;
  for (const Operand& item : list->items) {
    TRY(out.emplace_back(), layer.operand(item, like));
  }
  return out;
}

}  // namespace pochade::keras::call

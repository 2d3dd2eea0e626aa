#include "data/card_section.h"

#include <algorithm>

namespace pochade {

Result<double> CardSection::number(const toml::node& node, std::string_view key, double low,
                                   double high) const {
  const auto value = node.value<double>();
  if (!node.is_number() || !value || !std::isfinite(*value)) return fault(node, key, "expected a number");
  if (*value < low || *value > high) return fault(node, key, "{} is not in {}..{}", *value, low, high);
  return *value;
}

Result<int64_t> CardSection::integer(const toml::node& node, std::string_view key, int64_t low,
                                     int64_t high) const {
  const auto* value = node.as_integer();
  if (value == nullptr) return fault(node, key, "expected an integer");
  if (value->get() < low || value->get() > high)
    return fault(node, key, "{} is not in {}..{}", value->get(), low, high);
  return value->get();
}

Result<std::string> CardSection::text(const toml::node& node, std::string_view key) const {
  const auto* value = node.as_string();
  if (value == nullptr) return fault(node, key, "expected a text in quotes");
  return value->get();
}

Result<std::vector<double>> CardSection::number_list(const toml::node& node, std::string_view key,
                                                     size_t least, size_t most) const {
  const toml::array* array = node.as_array();
  const std::string wanted = least == most ? format("{}", least) : format("{} to {}", least, most);
  if (array == nullptr) return fault(node, key, "expected {} numbers in brackets", wanted);
  if (array->size() < least || array->size() > most)
    return fault(node, key, "has {} values, expected {}", array->size(), wanted);
  std::vector<double> out;
  for (const toml::node& item : *array) {
    TRY(const double value, number(item, key, -kLargest, kLargest));
    out.push_back(value);
  }
  return out;
}

Status CardSection::read(std::string_view key, double low, double high, double& out) const {
  if (const auto* node = find(key)) {
    TRY(out, number(*node, key, low, high));
  }
  return {};
}
Status CardSection::read(std::string_view key, int64_t low, int64_t high, int64_t& out) const {
  if (const auto* node = find(key)) {
    TRY(out, integer(*node, key, low, high));
  }
  return {};
}
Status CardSection::read(std::string_view key, bool& out) const {
  if (const auto* node = find(key)) {
    const auto* value = node->as_boolean();
    if (value == nullptr) return fault(*node, key, "expected true or false");
    out = value->get();
  }
  return {};
}
Status CardSection::read(std::string_view key, std::string& out) const {
  if (const auto* node = find(key)) {
    TRY(out, text(*node, key));
  }
  return {};
}

Status CardSection::read_choice(std::string_view key, std::span<const std::string_view> names,
                                size_t& out) const {
  const auto* node = find(key);
  if (node == nullptr) return {};
  const auto* value = node->as_string();
  const auto at = value != nullptr ? std::ranges::find(names, value->get()) : names.end();
  if (at == names.end()) return fault(*node, key, "expected one of: {}", join(names));
  out = static_cast<size_t>(at - names.begin());
  return {};
}

Result<const toml::table*> CardSection::table(std::string_view key) const {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) return fault(*node, key, "expected a section [{}]", key);
  return node->as_table();
}

Status CardSection::check_keys(std::span<const std::string_view> allowed,
                               std::span<const std::string_view> more) const {
  const auto is_one_of = [](std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  for (const auto& [key, node] : table_)
    if (!is_one_of(allowed, key.str()) && !is_one_of(more, key.str()))
      return fault(node, key.str(), "unknown key, expected one of: {}{}{}", join(allowed),
                   more.empty() ? "" : ", ", join(more));
  return {};
}

}  // namespace pochade

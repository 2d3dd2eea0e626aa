#include "paint/card.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <system_error>

#include "base/file.h"

namespace pochade {
namespace {

constexpr std::array<std::string_view, 8> kForPeople = {"title",  "painting", "license", "trained",
                                                        "author", "source",   "notes",   "date"};
constexpr std::array<std::string_view, 4> kSideKeys = {"channels", "range", "mean", "scale"};
constexpr std::array<std::string_view, 4> kInputKeys = {"multiple", "pad", "noise_std", "noise_seed"};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// A table of the card, and how to complain about it.
class Section {
 public:
  Section(const toml::table& table, std::string_view file, std::string_view name)
      : table_(table), file_(file), name_(name) {}

  const toml::node* find(std::string_view key) const { return table_.get(key); }

  template <typename... Args>
  tl::unexpected<Error> fault(const toml::node& node, std::string_view key, std::string_view pattern,
                              const Args&... args) const {
    return Error::invalid_argument("{}, line {}: {}{}: {}", file_, node.source().begin.line, name_, key,
                                   format(pattern, args...));
  }

  Result<double> number(const toml::node& node, std::string_view key, double low, double high) const {
    const auto value = node.value<double>();
    if (!node.is_number() || !value || !std::isfinite(*value)) return fault(node, key, "expected a number");
    if (*value < low || *value > high) return fault(node, key, "{} is not in {}..{}", *value, low, high);
    return *value;
  }
  Result<int64_t> integer(const toml::node& node, std::string_view key, int64_t low, int64_t high) const {
    const auto* value = node.as_integer();
    if (value == nullptr) return fault(node, key, "expected an integer");
    if (value->get() < low || value->get() > high)
      return fault(node, key, "{} is not in {}..{}", value->get(), low, high);
    return value->get();
  }
  /// One number for all, or `count` of them.
  template <size_t count>
  Result<std::array<double, count>> numbers(const toml::node& node, std::string_view key,
                                            bool single_allowed) const {
    std::array<double, count> out{};
    const toml::array* array = node.as_array();
    if (array == nullptr) {
      if (!single_allowed) return fault(node, key, "expected {} numbers in brackets", count);
      TRY(const double value, number(node, key, -kLargest, kLargest));
      out.fill(value);
      return out;
    }
    if (array->size() != count) return fault(node, key, "has {} values, expected {}", array->size(), count);
    for (size_t i = 0; i < count; ++i) {
      TRY(out[i], number(*array->get(i), key, -kLargest, kLargest));
    }
    return out;
  }
  Result<const toml::table*> table(std::string_view key) const {
    const toml::node* node = find(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) return fault(*node, key, "expected a section [{}]", key);
    return node->as_table();
  }
  /// Every key must be in one of the two lists.
  Status check_keys(std::span<const std::string_view> allowed,
                    std::span<const std::string_view> more = {}) const {
    for (const auto& [key, node] : table_)
      if (!is_one_of(allowed, key.str()) && !is_one_of(more, key.str()))
        return fault(node, key.str(), "unknown key, expected one of: {}{}{}", join(allowed),
                     more.empty() ? "" : ", ", join(more));
    return {};
  }

 private:
  static constexpr double kLargest = 1e6;
  const toml::table& table_;
  std::string_view file_;
  std::string name_;
};

Result<ChannelOrder> read_channels(const Section& section, const toml::node& node) {
  const auto* text = node.as_string();
  const auto order = text != nullptr ? channel_order(text->get()) : std::nullopt;
  if (!order) return section.fault(node, "channels", "expected \"rgb\" or \"bgr\"");
  return *order;
}

/// ((v / 255 * (high - low) + low) - mean) * scale, as v * multiply + add.
Status read_values(const Section& section, PictureSide& side) {
  std::array<double, 2> range{0, 255};
  if (const auto* node = section.find("range")) {
    TRY(range, section.numbers<2>(*node, "range", false));
    if (range[0] == range[1]) return section.fault(*node, "range", "its two ends are equal");
  }
  std::array<double, 3> mean{0, 0, 0}, scale{1, 1, 1};
  if (const auto* node = section.find("mean")) {
    TRY(mean, section.numbers<3>(*node, "mean", true));
  }
  if (const auto* node = section.find("scale")) {
    TRY(scale, section.numbers<3>(*node, "scale", true));
    if (std::ranges::find(scale, 0.0) != scale.end())
      return section.fault(*node, "scale", "0 would lose the picture");
  }
  for (size_t i = 0; i < 3; ++i) {
    const size_t colour = side.channels == ChannelOrder::kRgb ? i : 2 - i;
    side.multiply[colour] = (range[1] - range[0]) / 255 * scale[i];
    side.add[colour] = (range[0] - mean[i]) * scale[i];
  }
  return {};
}

/// Fills `side`, which holds what is true if the section is silent.
Status read_side(const Section& section, PictureSide& side) {
  if (const auto* node = section.find("channels")) {
    TRY(side.channels, read_channels(section, *node));
  }
  const bool says_values = section.find("range") || section.find("mean") || section.find("scale");
  if (says_values) TRY(read_values(section, side));
  return {};
}

Status read_input(const Section& section, Preprocess& out) {
  TRY(section.check_keys(kSideKeys, kInputKeys));
  TRY(read_side(section, out.input));
  constexpr int64_t kLargestMultiple = 1024, kLargestPad = 4096;
  if (const auto* node = section.find("multiple")) {
    TRY(const int64_t value, section.integer(*node, "multiple", 1, kLargestMultiple));
    out.multiple = static_cast<int>(value);
  }
  if (const auto* node = section.find("pad")) {
    TRY(const int64_t value, section.integer(*node, "pad", 0, kLargestPad));
    out.pad = static_cast<int>(value);
  }
  if (const auto* node = section.find("noise_std")) {
    TRY(out.noise_std, section.number(*node, "noise_std", 0, 1e6));
  }
  if (const auto* node = section.find("noise_seed")) {
    TRY(const int64_t value, section.integer(*node, "noise_seed", 0, INT64_MAX));
    out.noise_seed = static_cast<uint64_t>(value);
  }
  return {};
}

Status check_top(const Section& top, const toml::table& table) {
  constexpr std::array<std::string_view, 2> kSections = {"input", "output"};
  TRY(top.check_keys(kForPeople, kSections));
  for (const auto& [key, node] : table)
    if (is_one_of(kForPeople, key.str()) && !node.is_string() && !node.is_date())
      return top.fault(node, key.str(), "expected a text in quotes");
  return {};
}

}  // namespace

Result<Preprocess> parse_card(std::string_view text, std::string_view name) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed)
    return Error::invalid_argument("{}, line {}: {}", name, parsed.error().source().begin.line,
                                   parsed.error().description());
  const toml::table& table = parsed.table();
  const Section top(table, name, "");
  TRY(check_top(top, table));
  Preprocess out;
  TRY(const toml::table* input, top.table("input"));
  if (input != nullptr) TRY(read_input(Section(*input, name, "input."), out));
  out.output = out.input;
  TRY(const toml::table* output, top.table("output"));
  if (output != nullptr) {
    const Section section(*output, name, "output.");
    TRY(section.check_keys(kSideKeys));
    TRY(read_side(section, out.output));
  }
  return out;
}

Result<Preprocess> read_card(const std::filesystem::path& path) {
  constexpr size_t kLargestCard = 1'000'000;
  TRY(const auto bytes, map_file(path, kLargestCard));
  return parse_card(bytes.text(), path.string());
}

std::optional<std::filesystem::path> card_beside(const std::filesystem::path& model) {
  std::filesystem::path card = model;
  card.replace_extension(".toml");
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(card, ignored)) return std::nullopt;
  return card;
}

}  // namespace pochade

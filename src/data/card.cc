#include "data/card.h"

#include <algorithm>
#include <system_error>

#include "base/file.h"
#include "data/card_section.h"
#include "data/card_task.h"

namespace pochade {
namespace {

constexpr std::array<std::string_view, 8> kForPeople = {"title",  "painting", "license", "trained",
                                                        "author", "source",   "notes",   "date"};
constexpr std::array<std::string_view, 4> kSideKeys = {"channels", "range", "mean", "scale"};
constexpr std::array<std::string_view, 7> kInputKeys = {"multiple", "pad",  "noise_std", "noise_seed",
                                                        "fit",      "keep", "size"};

Result<ChannelOrder> read_channels(const CardSection& section, const toml::node& node) {
  const auto* text = node.as_string();
  const auto order = text != nullptr ? channel_order(text->get()) : std::nullopt;
  if (!order) return section.fault(node, "channels", "expected \"rgb\" or \"bgr\"");
  return *order;
}

/// ((v / 255 * (high - low) + low) - mean) * scale, as v * multiply + add.
Status read_values(const CardSection& section, PictureSide& side) {
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
Status read_side(const CardSection& section, PictureSide& side) {
  if (const auto* node = section.find("channels")) {
    TRY(side.channels, read_channels(section, *node));
  }
  const bool says_values = section.find("range") || section.find("mean") || section.find("scale");
  if (says_values) TRY(read_values(section, side));
  return {};
}

Status read_input(const CardSection& section, Preprocess& out) {
  TRY(section.check_keys(kSideKeys, kInputKeys));
  TRY(read_side(section, out.input));
  constexpr int64_t kLargestMultiple = 1024, kLargestPad = 4096;
  int64_t multiple = out.multiple, pad = out.pad, seed = 0;
  TRY(section.read("multiple", 1, kLargestMultiple, multiple));
  TRY(section.read("pad", 0, kLargestPad, pad));
  TRY(section.read("noise_std", 0.0, 1e6, out.noise_std));
  TRY(section.read("noise_seed", 0, INT64_MAX, seed));
  TRY(section.read("keep", 0.05, 1.0, out.keep));
  out.multiple = static_cast<int>(multiple);
  out.pad = static_cast<int>(pad);
  out.noise_seed = static_cast<uint64_t>(seed);
  constexpr std::array<std::string_view, 3> kFits = {"crop", "stretch", "pad"};
  if (section.find("fit") != nullptr) {
    size_t which = 0;
    TRY(section.read_choice("fit", kFits, which));
    out.fit = fit_named(kFits[which]);
  }
  if (const auto* node = section.find("size")) {
    const auto* sizes = node->as_array();
    if (sizes == nullptr || sizes->size() != 2)
      return section.fault(*node, "size", "expected [height, width]");
    out.size.emplace();
    for (size_t i = 0; i < 2; ++i) {
      TRY((*out.size)[i], section.integer(*sizes->get(i), "size", 1, 65535));
    }
  }
  return {};
}

Status check_top(const CardSection& top, const toml::table& table) {
  constexpr std::array<std::string_view, 5> kSections = {"input", "output", "task", "detect", "audio"};
  TRY(top.check_keys(kForPeople, kSections));
  for (const auto& [key, node] : table)
    if (std::ranges::find(kForPeople, key.str()) != kForPeople.end() && !node.is_string() && !node.is_date())
      return top.fault(node, key.str(), "expected a text in quotes");
  return {};
}

}  // namespace

Result<Card> parse_card(std::string_view text, std::string_view name, const std::filesystem::path& folder) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed)
    return Error::invalid_argument("{}, line {}: {}", name, parsed.error().source().begin.line,
                                   parsed.error().description());
  const toml::table& table = parsed.table();
  const CardSection top(table, name, "");
  TRY(check_top(top, table));
  Card out;
  Preprocess& how = out.preprocess;
  TRY(const toml::table* input, top.table("input"));
  if (input != nullptr) TRY(read_input(CardSection(*input, name, "input."), how));
  how.output = how.input;
  TRY(const toml::table* output, top.table("output"));
  if (output != nullptr) {
    const CardSection section(*output, name, "output.");
    TRY(section.check_keys(kSideKeys));
    TRY(read_side(section, how.output));
  }
  TRY(read_task_sections(top, folder, out.task));
  return out;
}

Result<Card> read_card(const std::filesystem::path& path) {
  constexpr size_t kLargestCard = 1'000'000;
  TRY(const auto bytes, map_file(path, kLargestCard));
  return parse_card(bytes.text(), path.string(), path.parent_path());
}

std::optional<std::filesystem::path> card_beside(const std::filesystem::path& model) {
  std::filesystem::path card = model;
  card.replace_extension(".toml");
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(card, ignored)) return std::nullopt;
  return card;
}

}  // namespace pochade

#include "data/card_task.h"

#include <algorithm>

#include "base/file.h"

namespace pochade {
namespace {

constexpr std::array<std::string_view, 6> kKinds = {"classify", "detect",  "pose",
                                                    "segment",  "keyword", "anomaly"};
constexpr size_t kMostLabels = 100'000;

Result<std::vector<std::string>> read_texts(const CardSection& section, const toml::node& node,
                                            std::string_view key) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return section.fault(node, key, "expected texts in brackets");
  std::vector<std::string> out;
  for (const toml::node& item : *list) {
    TRY(std::string text, section.text(item, key));
    out.push_back(std::move(text));
  }
  return out;
}

Status read_task(const CardSection& section, const std::filesystem::path& folder, TaskCard& out) {
  constexpr std::array<std::string_view, 3> kKeys = {"kind", "labels", "threshold"};
  TRY(section.check_keys(kKeys));
  if (section.find("kind") != nullptr) {
    size_t which = 0;
    TRY(section.read_choice("kind", kKinds, which));
    out.kind = static_cast<TaskKind>(which);
  }
  if (const auto* node = section.find("threshold")) {
    TRY(out.threshold, section.number(*node, "threshold", -1e6, 1e6));
  }
  const auto* labels = section.find("labels");
  if (labels == nullptr) return {};
  if (labels->is_string()) {
    TRY(const std::string name, section.text(*labels, "labels"));
    Result<std::vector<std::string>> read = read_labels(folder / name);
    if (!read) return section.fault(*labels, "labels", "{}", read.error().text());
    out.labels = *std::move(read);
  } else {
    TRY(out.labels, read_texts(section, *labels, "labels"));
  }
  return {};
}

Status read_anchors(const CardSection& section, DetectCard& out) {
  const auto *strides = section.find("strides"), *anchors = section.find("anchors");
  if (strides == nullptr && anchors == nullptr) return {};
  if (strides == nullptr) return section.fault(*anchors, "anchors", "has no strides beside it");
  constexpr size_t kMostGrids = 16, kMostAnchors = 64;
  TRY(const auto list, section.number_list(*strides, "strides", 1, kMostGrids));
  const toml::array* rows = anchors == nullptr ? nullptr : anchors->as_array();
  if (rows == nullptr || rows->size() != list.size())
    return section.fault(*strides, "strides", "expected anchors = [[...], ...] with a row for each");
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] < 1 || list[i] > 4096 || list[i] != std::floor(list[i]))
      return section.fault(*strides, "strides", "{} is no whole number of pixels", list[i]);
    AnchorGrid grid{static_cast<int64_t>(list[i]), {}};
    const toml::array* row = rows->get(i)->as_array();
    if (row == nullptr || row->empty() || row->size() > kMostAnchors)
      return section.fault(*anchors, "anchors", "row {}: expected 1 to {} anchors", i, kMostAnchors);
    for (const toml::node& item : *row) {
      std::array<double, 2> sides{};
      TRY(sides, section.numbers<2>(item, "anchors", true));
      if (sides[0] <= 0 || sides[1] <= 0)
        return section.fault(item, "anchors", "sides must be greater than 0");
      grid.sides.push_back(sides);
    }
    out.grids.push_back(std::move(grid));
  }
  return {};
}

Status read_detect(const CardSection& section, DetectCard& out) {
  constexpr std::array<std::string_view, 16> kKeys = {
      "decoder",      "order",      "pixels",      "boxes",    "scores",  "activation",
      "background",   "nms",        "most",        "strides",  "anchors", "even_cells",
      "center_scale", "size_scale", "exponential", "keypoints"};
  constexpr std::array<std::string_view, 3> kDecoders = {"boxes", "anchors", "postprocess"};
  constexpr std::array<std::string_view, 4> kOrders = {"xyxy", "yxyx", "xywh", "yxhw"};
  constexpr std::array<std::string_view, 3> kActivations = {"none", "sigmoid", "softmax"};
  TRY(section.check_keys(kKeys));
  size_t decoder = 0, order = 0, activation = 0;
  TRY(section.read_choice("decoder", kDecoders, decoder));
  TRY(section.read_choice("order", kOrders, order));
  TRY(section.read_choice("activation", kActivations, activation));
  out.decoder = static_cast<DetectCard::Decoder>(decoder);
  out.order = static_cast<BoxOrder>(order);
  out.activation = static_cast<ScoreActivation>(activation);
  TRY(section.read("pixels", out.pixels));
  TRY(section.read("boxes", 0, 1000, out.boxes_output));
  TRY(section.read("scores", 0, 1000, out.scores_output));
  TRY(section.read("background", -1, 1'000'000, out.background));
  TRY(section.read("nms", 0.0, 1.0, out.nms));
  TRY(section.read("most", 1, 100'000, out.most));
  TRY(section.read("center_scale", -1e6, 1e6, out.center_scale));
  TRY(section.read("size_scale", -1e6, 1e6, out.size_scale));
  TRY(section.read("exponential", out.exponential));
  TRY(section.read("even_cells", out.even_cells));
  if (const auto* node = section.find("keypoints")) {
    TRY(out.keypoints, read_texts(section, *node, "keypoints"));
  }
  TRY(read_anchors(section, out));
  if (out.decoder == DetectCard::Decoder::kAnchors && out.grids.empty()) {
    const auto* node = section.find("decoder");
    return section.fault(*node, "decoder", "\"anchors\" needs strides and anchors");
  }
  return {};
}

Status read_audio(const CardSection& section, AudioFrontEnd& out) {
  constexpr std::array<std::string_view, 10> kKeys = {"front_end", "rate",     "window",       "stride",
                                                      "frames",    "mel_bins", "coefficients", "low_hz",
                                                      "high_hz",   "peak"};
  constexpr std::array<std::string_view, 3> kFrontEnds = {"mfcc", "log_mel", "micro"};
  TRY(section.check_keys(kKeys));
  size_t front_end = 0;
  TRY(section.read_choice("front_end", kFrontEnds, front_end));
  out.kind = static_cast<AudioFrontEnd::Kind>(front_end);
  TRY(section.read("rate", 1000, 400'000, out.rate));
  TRY(section.read("window", 16, 65536, out.window));
  TRY(section.read("stride", 1, 65536, out.stride));
  TRY(section.read("frames", 1, 100'000, out.frames));
  TRY(section.read("mel_bins", 1, 1024, out.mel_bins));
  TRY(section.read("coefficients", 1, 1024, out.coefficients));
  TRY(section.read("low_hz", 0.0, 200'000.0, out.low_hz));
  TRY(section.read("high_hz", 1.0, 200'000.0, out.high_hz));
  TRY(section.read("peak", out.peak));
  if (out.kind == AudioFrontEnd::Kind::kMicro && (out.window < 64 || out.window > 4096)) {
    const auto* node = section.find("window");
    if (node != nullptr)
      return section.fault(*node, "window", "{} samples, expected 64 to 4096 for \"micro\"", out.window);
  }
  if (out.high_hz <= out.low_hz || out.high_hz > static_cast<double>(out.rate) / 2) {
    const auto* node = section.find("high_hz") != nullptr ? section.find("high_hz") : section.find("rate");
    if (node == nullptr) node = section.find("low_hz");
    return section.fault(*node, "high_hz", "{} must lie between low_hz ({}) and half the rate ({})",
                         out.high_hz, out.low_hz, out.rate / 2);
  }
  return {};
}

/// "12", "12:" or "12," at the beginning of a line, and where the label begins; npos if there is none.
size_t number_end(std::string_view line) {
  size_t at = 0;
  while (at < line.size() && line[at] >= '0' && line[at] <= '9') ++at;
  if (at == 0 || at == line.size()) return std::string_view::npos;
  if (line[at] == ':' || line[at] == ',') ++at;
  const size_t gap = at;
  while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
  const bool separated = at > gap || line[gap - 1] == ':' || line[gap - 1] == ',';
  return separated && at < line.size() ? at : std::string_view::npos;
}

}  // namespace

std::string_view to_string(TaskKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

Result<std::vector<std::string>> parse_labels(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return Error::invalid_argument("not a text file");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.remove_suffix(1);
    if (out.size() == kMostLabels) return Error::not_supported("more than {} labels", kMostLabels);
    out.emplace_back(line);
  }
  while (!out.empty() && out.back().empty()) out.pop_back();
  const bool numbered = !out.empty() && std::ranges::all_of(out, [](const std::string& line) {
    return number_end(line) != std::string_view::npos;
  });
  if (!numbered) return out;
  std::vector<std::string> placed;
  for (const std::string& line : out) {
    const auto index = static_cast<size_t>(std::strtoull(line.c_str(), nullptr, 10));
    if (index >= kMostLabels) return out;  // numbers that are no places
    if (index >= placed.size()) placed.resize(index + 1);
    placed[index] = line.substr(number_end(line));
  }
  return placed;
}

Result<std::vector<std::string>> read_labels(const std::filesystem::path& path) {
  constexpr size_t kLargestFile = 10'000'000;
  TRY(const auto bytes, map_file(path, kLargestFile));
  return parse_labels(bytes.text()).context("reading {}", path);
}

Status read_task_sections(const CardSection& top, const std::filesystem::path& folder, TaskCard& out) {
  TRY(const toml::table* task, top.table("task"));
  if (task != nullptr) TRY(read_task(CardSection(*task, top.file(), "task."), folder, out));
  TRY(const toml::table* detect, top.table("detect"));
  if (detect != nullptr) TRY(read_detect(CardSection(*detect, top.file(), "detect."), out.detect.emplace()));
  TRY(const toml::table* audio, top.table("audio"));
  if (audio != nullptr) TRY(read_audio(CardSection(*audio, top.file(), "audio."), out.audio.emplace()));
  return {};
}

}  // namespace pochade

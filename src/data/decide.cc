#include "data/decide.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "data/card.h"

namespace pochade {
namespace {

/// A finding and the words that it rests on.
template <typename T>
struct Found {
  T value;
  std::string from;
};
struct Range {
  double low, high;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Whether `word` stands in `text` with no letter or digit on either side.
bool has_word(std::string_view text, std::string_view word) {
  const auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end]))) return true;
  }
  return false;
}

std::optional<ChannelOrder> order_in(std::string_view doc) {
  const std::string text = lower(doc);
  const bool bgr = has_word(text, "bgr"), rgb = has_word(text, "rgb");
  if (bgr == rgb) return std::nullopt;  // silent, or speaks of both
  return bgr ? ChannelOrder::kBgr : ChannelOrder::kRgb;
}

/// "0..1", "[0, 1]", "-1 to 1", "0-255": digits and sign are compared after everything between them is made
/// one space.
std::optional<Range> range_in(std::string_view doc) {
  std::string text;
  for (size_t i = 0; i < doc.size(); ++i) {
    const char c = doc[i];
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    const bool next_is_digit =
        i + 1 < doc.size() && std::isdigit(static_cast<unsigned char>(doc[i + 1])) != 0;
    const bool after_digit = i > 0 && std::isdigit(static_cast<unsigned char>(doc[i - 1])) != 0;
    const bool decimal_point = c == '.' && after_digit && next_is_digit;
    const bool sign = c == '-' && next_is_digit && !after_digit;
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    text += digit || decimal_point || sign || letter ? c : ' ';
  }
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find_first_not_of(' ', at);
    if (begin == std::string::npos) break;
    at = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, at - begin));
  }
  std::erase(words, "to");
  const auto is = [](const std::string& word, std::string_view a, std::string_view b) {
    return word == a || word == b;
  };
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (is(words[i], "0", "0.0") && is(words[i + 1], "1", "1.0")) return Range{0, 1};
    if (is(words[i], "-1", "-1.0") && is(words[i + 1], "1", "1.0")) return Range{-1, 1};
    if (is(words[i], "0", "0.0") && is(words[i + 1], "255", "255.0")) return Range{0, 255};
  }
  return std::nullopt;
}

constexpr std::string_view kFormatKey = "Image.BitmapPixelFormat";
constexpr std::string_view kRangeKey = "Image.NominalPixelRange";

template <typename T, typename Read>
std::optional<Found<T>> in_metadata(const ModelHints& hints, std::string_view key, Read read,
                                    std::vector<std::string>& reasons) {
  const auto entry = hints.metadata.find(std::string(key));
  if (entry == hints.metadata.end()) return std::nullopt;
  if (const std::optional<T> value = read(entry->second))
    return Found<T>{*value, format("metadata {} = {}", key, entry->second)};
  reasons.push_back(format("metadata {} = {} is not understood: ignored", key, entry->second));
  return std::nullopt;
}

std::optional<ChannelOrder> order_of_format(std::string_view name) {
  if (name == "Bgr8" || name == "Bgra8") return ChannelOrder::kBgr;
  if (name == "Rgb8" || name == "Rgba8") return ChannelOrder::kRgb;
  return std::nullopt;
}

std::optional<Range> range_of_name(std::string_view name) {
  if (name == "NominalRange_0_255") return Range{0, 255};
  if (name == "Normalized_0_1") return Range{0, 1};
  if (name == "Normalized_1_1") return Range{-1, 1};
  if (name == "NominalRange_16_235") return Range{16, 235};
  return std::nullopt;
}

/// The first documentation string that says it: the side's own, then the other side's, then the model's.
template <typename T, typename Read>
std::optional<Found<T>> in_docs(const ModelHints& hints, bool input, Read read) {
  struct Source {
    const std::vector<std::string>& docs;
    std::string_view name;
  };
  const std::vector<std::string> model = {hints.model_doc};
  const Source inputs{hints.input_docs, "the input"}, outputs{hints.output_docs, "the output"};
  for (const Source& source :
       {input ? inputs : outputs, input ? outputs : inputs, Source{model, "the model"}})
    for (const std::string& doc : source.docs)
      if (const std::optional<T> value = read(doc))
        return Found<T>{*value, format("documentation of {}", source.name)};
  return std::nullopt;
}

/// "mean=127.5 std=127.5", or a list of three each: (v - mean) / std.
bool read_normalization(std::string_view text, PictureSide& side) {
  const auto numbers = [&](std::string_view key) {
    std::vector<double> out;
    const size_t at = text.find(key);
    if (at == std::string_view::npos) return out;
    const char* from = text.data() + at + key.size();
    const char* const end = text.data() + text.size();
    for (double value = 0; from < end; ++from) {
      const auto [stop, error] = std::from_chars(from, end, value);
      if (error != std::errc()) break;
      out.push_back(value);
      from = stop;
      if (from == end || *from != ',') break;
    }
    return out;
  };
  const auto mean = numbers("mean="), deviation = numbers("std=");
  const auto fits = [](const std::vector<double>& list) { return list.size() == 1 || list.size() == 3; };
  if (!fits(mean) || !fits(deviation)) return false;
  for (size_t c = 0; c < 3; ++c) {
    const double m = mean[std::min(c, mean.size() - 1)], s = deviation[std::min(c, deviation.size() - 1)];
    if (!std::isfinite(m) || !std::isfinite(s) || s == 0) return false;
    side.multiply[c] = 1 / s;
    side.add[c] = -m / s;
  }
  return true;
}

/// The normalization that TFLite's metadata give for the first input, of red, green, blue.
bool normalization_from_metadata(const ModelHints& hints, PictureSide& side,
                                 std::vector<std::string>& reasons) {
  if (hints.input_names.empty()) return false;
  const std::string key = "normalization:" + hints.input_names[0];
  const auto found = hints.metadata.find(key);
  if (found == hints.metadata.end()) return false;
  PictureSide read = side;
  const bool understood = read_normalization(found->second, read);
  if (understood) side = read;
  reasons.push_back(format("input values {}: metadata {}{}", understood ? to_string(side) : "as they are",
                           key, understood ? "" : format(" = {} is not understood", found->second)));
  return understood;
}

PictureSide side_from_hints(const ModelHints& hints, bool input, std::vector<std::string>& reasons) {
  PictureSide side;
  auto order = in_metadata<ChannelOrder>(hints, kFormatKey, order_of_format, reasons);
  if (!order) order = in_docs<ChannelOrder>(hints, input, order_in);
  auto range = in_metadata<Range>(hints, kRangeKey, range_of_name, reasons);
  if (!range) range = in_docs<Range>(hints, input, range_in);
  const std::string_view name = input ? "input" : "output";
  if (order) side.channels = order->value;
  if (range) side.set_range(range->value.low, range->value.high);
  const std::string values = range ? format("{}..{}", range->value.low, range->value.high) : "0..255";
  reasons.push_back(
      format("{} channels {}: {}", name, side.channels, order ? order->from : "nothing says so, a guess"));
  if (!range && input && normalization_from_metadata(hints, side, reasons)) return side;
  reasons.push_back(
      format("{} values {}: {}", name, values, range ? range->from : "nothing says so, a guess"));
  return side;
}

void say_all(const Preprocess& preprocess, std::string_view from, std::vector<std::string>& reasons) {
  reasons.push_back(format("input {}, output {}: {}", preprocess.input, preprocess.output, from));
  if (preprocess.multiple > 1 || preprocess.pad > 0)
    reasons.push_back(format("sizes in multiples of {}, {} pixels reflected around: {}", preprocess.multiple,
                             preprocess.pad, from));
  if (preprocess.noise_std > 0)
    reasons.push_back(format("noise of standard deviation {}, seed {}: {}", preprocess.noise_std,
                             preprocess.noise_seed, from));
}

Result<Card> preset_or_card(const std::string& wanted) {
  if (const auto preset = preprocess_preset(wanted)) return Card{.preprocess = *preset, .task = {}};
  if (!wanted.ends_with(".toml"))
    return Error::invalid_argument("\"{}\" is no way to preprocess: expected {} or a FILE.toml", wanted,
                                   kPreprocessPresets);
  return read_card(wanted);
}

}  // namespace

ModelHints hints_of(const Graph& graph) {
  ModelHints out;
  out.metadata = graph.metadata();
  const auto doc = [&](const std::string& key) {
    const auto found = graph.metadata().find(key);
    return found == graph.metadata().end() ? std::string() : found->second;
  };
  out.model_doc = doc("doc");
  for (const ValueId v : graph.inputs()) {
    out.input_names.push_back(graph.value(v).name);
    out.input_docs.push_back(doc("doc:" + graph.value(v).name));
  }
  for (const GraphOutput& o : graph.outputs()) out.output_docs.push_back(doc("doc:" + o.name));
  return out;
}

Result<PreprocessDecision> decide_preprocess(const PreprocessFlags& flags,
                                             const std::optional<std::filesystem::path>& card,
                                             const ModelHints& hints) {
  PreprocessDecision out;
  if (card) {
    TRY(Card read, read_card(*card));
    out.preprocess = read.preprocess;
    out.task = std::move(read.task);
  }
  if (flags.preprocess) {
    TRY(Card wanted, preset_or_card(*flags.preprocess));
    out.preprocess = wanted.preprocess;
    if (!preprocess_preset(*flags.preprocess)) out.task = std::move(wanted.task);
    say_all(out.preprocess, format("--preprocess {}", *flags.preprocess), out.reasons);
  } else if (card) {
    say_all(out.preprocess, format("card {}", *card), out.reasons);
  } else {
    out.preprocess.input = side_from_hints(hints, /*input=*/true, out.reasons);
    out.preprocess.output = side_from_hints(hints, /*input=*/false, out.reasons);
  }
  if (flags.channels) {
    const auto order = channel_order(*flags.channels);
    if (!order) return Error::invalid_argument("channels \"{}\": expected rgb or bgr", *flags.channels);
    out.preprocess.input.channels = out.preprocess.output.channels = *order;
    out.reasons.push_back(format("channels {}: --channels {}", *order, *flags.channels));
  }
  return out;
}

}  // namespace pochade

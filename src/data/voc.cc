// The few elements of PASCAL VOC's XML that say what is where.
#include <charconv>
#include <cmath>

#include "data/dataset.h"

namespace pochade {
namespace {

/// The text between <name> (it may have attributes) and </name>, from `at` on; `at` goes behind it. Empty if
/// there is none.
std::optional<std::string_view> element(std::string_view xml, std::string_view name, size_t& at) {
  const std::string open = format("<{}", name), close = format("</{}>", name);
  size_t begin = xml.find(open, at);
  const auto ends_name = [&](size_t place) {
    return place < xml.size() && std::string_view("> \t\r\n").find(xml[place]) != std::string_view::npos;
  };
  while (begin != std::string_view::npos && !ends_name(begin + open.size()))
    begin = xml.find(open, begin + 1);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t tag_end = xml.find('>', begin);
  if (tag_end == std::string_view::npos) return std::nullopt;
  const size_t from = tag_end + 1, end = xml.find(close, from);
  if (end == std::string_view::npos) return std::nullopt;
  at = end + close.size();
  std::string_view text = xml.substr(from, end - from);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  return text;
}
std::optional<std::string_view> element(std::string_view xml, std::string_view name) {
  size_t at = 0;
  return element(xml, name, at);
}

/// XML's five named characters.
std::string unescaped(std::string_view text) {
  constexpr std::pair<std::string_view, char> kNamed[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};
  std::string out;
  while (!text.empty()) {
    bool named = false;
    for (const auto& [name, character] : kNamed)
      if (text.starts_with(name)) {
        out += character;
        text.remove_prefix(name.size());
        named = true;
        break;
      }
    if (named) continue;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

Result<double> coordinate(std::string_view box, std::string_view name) {
  const auto text = element(box, name);
  double value = 0;
  if (text) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error == std::errc() && end == text->data() + text->size() && std::abs(value) < 1e7) return value;
  }
  return Error::invalid_argument("<{}> of a <bndbox> is no number", name);
}

}  // namespace

Result<VocAnnotation> parse_voc(std::string_view xml) {
  constexpr size_t kMostObjects = 10'000;
  const auto annotation = element(xml, "annotation");
  if (!annotation) return Error::invalid_argument("no <annotation>");
  VocAnnotation out;
  size_t at = 0;
  if (const auto name = element(*annotation, "filename")) out.picture = unescaped(*name);
  while (const auto object = element(*annotation, "object", at)) {
    if (out.objects.size() == kMostObjects) return Error::not_supported("more than {} objects", kMostObjects);
    const auto name = element(*object, "name"), box = element(*object, "bndbox");
    if (!name || !box) return Error::invalid_argument("an <object> lacks <name> or <bndbox>");
    VocAnnotation::Object one;
    one.name = unescaped(*name);
    // VOC counts pixels from 1 and includes the last one.
    TRY(one.box.left, coordinate(*box, "xmin"));
    TRY(one.box.top, coordinate(*box, "ymin"));
    TRY(one.box.right, coordinate(*box, "xmax"));
    TRY(one.box.bottom, coordinate(*box, "ymax"));
    one.box.left -= 1;
    one.box.top -= 1;
    const auto difficult = element(*object, "difficult");
    one.difficult = difficult && *difficult == "1";
    out.objects.push_back(std::move(one));
  }
  return out;
}

}  // namespace pochade

#include "tasks/network.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <unordered_map>

#include "data/card.h"
#include "data/integer_meaning.h"
#include "formats/formats.h"

namespace pochade {

Result<Network> Network::open(const std::filesystem::path& model, const PreprocessFlags& flags,
                              const SessionOptions& options) {
  TRY(Graph graph, import_model(model));
  TRY(PreprocessDecision decision, decide_preprocess(flags, card_beside(model), hints_of(graph)));
  std::vector<std::string> warnings;
  for (const auto& [key, text] : graph.metadata())
    if (key.starts_with("warning:")) warnings.push_back(format("{} {}", key.substr(8), text));
  std::vector<std::string> labels = decision.task.labels.empty() ? labels_of(graph) : decision.task.labels;
  TRY(Session session, Session::create(std::move(graph), options).context("{}", model));
  Network out(std::move(session));
  out.decision_ = std::move(decision);
  out.labels_ = std::move(labels);
  out.warnings_ = std::move(warnings);
  return out;
}

Result<PictureInput> Network::picture_input() const {
  return pochade::picture_input(graph(), 0, decision_.preprocess.size);
}

Result<PlacedPicture> Network::enter(const Image& picture, Fit fit) const {
  TRY(const PictureInput input, picture_input());
  return enter_picture(picture, decision_.preprocess, input, fit);
}

Result<std::vector<NetworkOutput>> Network::run(const Tensor& input) {
  const Graph& graph = session_.graph();
  if (graph.inputs().size() != 1)
    return Error::not_supported("the model has {} inputs, expected one", graph.inputs().size());
  TRY(const Tensors results, session_.run(std::array{input}));
  std::vector<NetworkOutput> out;
  for (size_t i = 0; i < results.size(); ++i) {
    const GraphOutput& output = graph.outputs()[i];
    NetworkOutput one{output.name, {}};
    TRY(one.values, dequantized(results[i], quantization_of(graph, output.value).get())
                        .context("output \"{}\"", output.name));
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<std::string> labels_of(const Graph& graph) {
  for (const GraphOutput& output : graph.outputs()) {
    const auto found = graph.metadata().find("labels:" + output.name);
    if (found == graph.metadata().end()) continue;
    if (auto labels = parse_labels(found->second)) return *std::move(labels);
  }
  return {};
}

std::vector<float> probabilities(std::span<const float> scores) {
  std::vector<float> out(scores.begin(), scores.end());
  constexpr float kSlack = 1e-3f;
  const bool already = std::ranges::all_of(out, [](float v) { return v >= -kSlack && v <= 1 + kSlack; });
  if (already || out.empty()) return out;
  const float largest = *std::ranges::max_element(out);
  double sum = 0;
  for (const float v : out) sum += std::exp(double{v} - largest);
  for (float& v : out) v = static_cast<float>(std::exp(double{v} - largest) / sum);
  return out;
}

std::vector<std::string> labels_for(std::span<const std::string> labels, size_t outputs) {
  std::vector<std::string> out(labels.begin(), labels.end());
  if (!out.empty() && out.size() + 1 == outputs) out.insert(out.begin(), "background");
  if (out.size() == 1001 && outputs == 1000) out.erase(out.begin());  // ImageNet's list with its background
  return out;
}

std::string plain_label(std::string_view label) {
  std::string out;
  for (const char c : label.substr(0, label.find(',')))
    out += c == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

Result<std::vector<size_t>> outputs_of_classes(std::span<const std::string> classes, bool has_indexes,
                                               std::span<const std::string> labels, size_t outputs) {
  std::vector<size_t> out;
  if (!has_indexes && !labels.empty()) {
    std::unordered_map<std::string, size_t> place;
    for (size_t i = 0; i < std::min(labels.size(), outputs); ++i) place.emplace(plain_label(labels[i]), i);
    std::string missing;
    for (const std::string& name : classes) {
      const auto found = place.find(plain_label(name));
      if (found == place.end()) missing = missing.empty() ? name : missing;
      out.push_back(found == place.end() ? 0 : found->second);
    }
    if (missing.empty()) return out;
    // Folders may be numbers, or be sorted as the outputs are; words that no label knows are a mistake.
    if (out.size() != outputs && out.size() + 1 != outputs)
      return Error::invalid_argument("no label of the model is called \"{}\"; its labels are {}", missing,
                                     join(labels.first(std::min<size_t>(labels.size(), 20))));
    out.clear();
  }
  const size_t shift = outputs == (has_indexes ? 1001 : classes.size() + 1) ? 1 : 0;
  if (classes.size() + shift > outputs || (!has_indexes && classes.size() + shift != outputs))
    return Result<std::vector<size_t>>(
               Error::invalid_argument("the data set has {} classes, the model {} outputs", classes.size(),
                                       outputs))
        .hint("Say which output is which: --labels FILE with one name a line, or labels in a card.");
  for (size_t i = 0; i < classes.size(); ++i) out.push_back(i + shift);
  return out;
}

}  // namespace pochade

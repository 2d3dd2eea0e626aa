#include "formats/keras/weights.h"

#include <algorithm>
#include <limits>

namespace pochade::keras {
namespace {

bool upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool lower(char c) {
  return c >= 'a' && c <= 'z';
}

/// The names of an attribute, which long lists spread over weight_names0, weight_names1, ...
std::vector<std::string> names_of(const Contents& contents, const std::string& key) {
  if (const auto found = contents.attributes.find(key); found != contents.attributes.end())
    return found->second;
  std::vector<std::string> out;
  for (int part = 0;; ++part) {
    const auto found = contents.attributes.find(format("{}{}", key, part));
    if (found == contents.attributes.end()) return out;
    out.insert(out.end(), found->second.begin(), found->second.end());
  }
}

/// At which part of the path "a/b/c:0" the name stands, alone or with a number that TensorFlow added; the
/// greatest integer if nowhere.
int place_of(std::string_view path, std::string_view name, bool with_number) {
  for (int place = 0;; ++place) {
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos) return std::numeric_limits<int>::max();
    std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash + 1);
    if (part == name) return place;
    if (with_number && part.size() > name.size() + 1 && part.starts_with(name) && part[name.size()] == '_' &&
        part.find_first_not_of("0123456789", name.size() + 1) == std::string_view::npos)
      return place;
  }
}

Result<Tensor> as_stored(const Tensor& tensor, std::string_view dtype) {
  // HDF5 has no bfloat16: Keras writes the bits, and says so.
  if (dtype != "bfloat16" || tensor.dtype() != DType::kU16) return tensor;
  TRY(Tensor out, Tensor::make(DType::kBF16, tensor.shape()));
  std::copy_n(tensor.bytes(), tensor.byte_size(), out.mutable_bytes());
  return out;
}

}  // namespace

std::string snake_case(std::string_view name) {
  // A capital that begins a word of small letters, and one behind a small letter, gets an underscore.
  std::string words;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool begins = i + 2 < name.size() && upper(name[i + 1]) && lower(name[i + 2]);
    words += name[i];
    if (!begins) continue;
    words += '_';
    words += name[++i];
    while (i + 1 < name.size() && lower(name[i + 1])) words += name[++i];
  }
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && upper(words[i]) && lower(words[i - 1])) out += '_';
    out += upper(words[i]) ? static_cast<char>(words[i] - 'A' + 'a') : words[i];
  }
  return out;
}

Result<Weights> Weights::of_file(const Contents& contents) {
  Weights out;
  out.contents_ = &contents;
  out.outermost_ = true;
  out.legacy_ = !contents.texts.contains("config.json");
  if (out.legacy_) {
    out.path_ = "model_weights";
    return out;
  }
  for (const auto& [name, tensor] : contents.datasets)
    if (name.starts_with("_layer_checkpoint_dependencies"))
      return Error::not_supported(
          "its weights lie as TensorFlow 2.12 laid them; read it with a newer Keras and "
          "save it again");
  return out;
}

Weights Weights::child(std::string_view attribute) const {
  Weights out = *this;
  out.outermost_ = false;
  if (!legacy_) out.path_ += (out.path_.empty() ? "" : "/") + std::string(attribute);
  return out;
}

Weights Weights::half(int which, std::string_view attribute) const {
  Weights out = child(attribute);
  if (!legacy_) return out;
  const auto middle = out.entries_.begin() + static_cast<std::ptrdiff_t>(out.entries_.size() / 2);
  if (which == 0)
    out.entries_.erase(middle, out.entries_.end());
  else
    out.entries_.erase(out.entries_.begin(), middle);
  return out;
}

Weights Weights::legacy_layer(const std::string& name) const {
  Weights out = child("");
  if (outermost_) {
    out.path_ = "model_weights/" + name;
    for (const std::string& weight : names_of(*contents_, out.path_ + "@weight_names"))
      out.entries_.push_back({weight, out.path_ + "/" + weight});
    return out;
  }
  for (const bool with_number : {false, true}) {
    int nearest = std::numeric_limits<int>::max();
    for (const Entry& entry : entries_) nearest = std::min(nearest, place_of(entry.name, name, with_number));
    out.entries_.clear();
    if (nearest == std::numeric_limits<int>::max()) continue;
    for (const Entry& entry : entries_)
      if (place_of(entry.name, name, with_number) == nearest) out.entries_.push_back(entry);
    break;
  }
  return out;
}

Result<std::vector<Weights>> Weights::of_layers(const ModelRecord& model) const {
  std::vector<Weights> out;
  std::map<std::string, int> used;
  for (const LayerRecord& layer : model.layers) {
    if (legacy_) {
      // A nested model's layers are told apart in its own turn.
      out.push_back(layer.model && !outermost_ ? *this : legacy_layer(layer.name));
      continue;
    }
    // Keras 3 counts layers only: an operator such as keras.ops.add is none, and Sequential leaves its input
    // out.
    const bool counted = !layer.is_function && !(model.sequential && layer.class_name == "InputLayer");
    std::string name = snake_case(layer.class_name);
    if (const int count = counted ? used[name]++ : 0; count > 0) name += format("_{}", count);
    out.push_back(child("layers").child(name));
  }
  return out;
}

Result<Weight> Weights::read(const Entry& entry) const {
  const auto found = contents_->datasets.find(entry.dataset);
  if (found == contents_->datasets.end())
    return Error::invalid_model("the dataset \"{}\" is missing", entry.dataset);
  Weight out{entry.name, {}};
  TRY(out.tensor, as_stored(found->second, contents_->attribute(entry.dataset + "@dtype")));
  return out;
}

Result<std::vector<Weight>> Weights::variables() const {
  std::vector<Weight> out;
  if (legacy_) {
    for (const Entry& entry : entries_) {
      TRY(out.emplace_back(), read(entry));
    }
    return out;
  }
  for (int i = 0;; ++i) {
    Entry entry{format("{}", i), format("{}/vars/{}", path_, i)};
    if (!contents_->datasets.contains(entry.dataset)) return out;
    TRY(out.emplace_back(), read(entry));
  }
}

}  // namespace pochade::keras

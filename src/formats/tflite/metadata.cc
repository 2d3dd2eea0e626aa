// What a TFLite file says of itself: signatures, and the TFLite metadata with the label files at the file's
// end.

#include <formats/tflite/metadata_generated.h>

#include <algorithm>
#include <cstring>

#include "formats/tflite/records.h"

namespace pochade::tflite {
namespace {

using Texts = std::map<std::string, std::string>;

/// Far more than labels need.
constexpr size_t kMostLabelBytes = size_t{4} << 20;

std::string text_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string() : std::string(text->c_str(), text->size());
}

uint32_t number_at(std::span<const std::byte> bytes, size_t at, int count) {
  uint32_t out = 0;
  for (int i = 0; i < count; ++i) out |= static_cast<uint32_t>(bytes[at + static_cast<size_t>(i)]) << (8 * i);
  return out;
}

/// Files of the ZIP archive that ends `bytes`, each stored as it is. (PKWARE's APPNOTE, 4.3.12 and 4.3.16)
/// Compressed ones are named with an empty span.
std::map<std::string, std::span<const std::byte>> stored_files(std::span<const std::byte> bytes) {
  std::map<std::string, std::span<const std::byte>> out;
  constexpr size_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;
  if (bytes.size() < kEndBytes) return out;
  size_t end = bytes.size() - kEndBytes;
  const size_t lowest = end > 65535 ? end - 65535 : 0;  // a comment may follow
  while (end > lowest && number_at(bytes, end, 4) != 0x06054b50) --end;
  if (number_at(bytes, end, 4) != 0x06054b50) return out;
  const size_t entries = number_at(bytes, end + 10, 2), size = number_at(bytes, end + 12, 4);
  // Offsets count from the archive's own beginning in some writers, from the file's in others.
  if (size > end) return out;
  const size_t directory = end - size, said = number_at(bytes, end + 16, 4);
  if (said > directory) return out;
  const size_t base = directory - said;
  size_t at = directory;
  for (size_t i = 0; i < entries && at + kEntryBytes <= end; ++i) {
    if (number_at(bytes, at, 4) != 0x02014b50) return out;
    const size_t method = number_at(bytes, at + 10, 2), length = number_at(bytes, at + 20, 4),
                 name_bytes = number_at(bytes, at + 28, 2);
    const size_t local = base + number_at(bytes, at + 42, 4);
    if (at + kEntryBytes + name_bytes > end || local + kLocalBytes > directory) return out;
    const std::string name(reinterpret_cast<const char*>(bytes.data()) + at + kEntryBytes, name_bytes);
    const size_t data =
        local + kLocalBytes + number_at(bytes, local + 26, 2) + number_at(bytes, local + 28, 2);
    if (data > directory || length > directory - data) return out;
    out[name] = method == 0 ? bytes.subspan(data, length) : std::span<const std::byte>();
    at += kEntryBytes + name_bytes + number_at(bytes, at + 30, 2) + number_at(bytes, at + 32, 2);
  }
  return out;
}

std::string numbers_text(const flatbuffers::Vector<float>* values) {
  std::string out;
  if (values == nullptr || values->size() > 4096) return out;
  for (const float value : *values) out += format("{}{}", out.empty() ? "" : ",", value);
  return out;
}

class Reader {
 public:
  Reader(const ModelRecord& model, Texts& out)
      : model_(model), out_(out), files_(stored_files(model.file.span())), budget_(4 * model.file.size()) {}

  void read(const schema::ModelMetadata& model) {
    set("name", text_of(model.name()));
    set("doc", text_of(model.description()));
    set("version", text_of(model.version()));
    set("author", text_of(model.author()));
    set("license", text_of(model.license()));
    if (model.subgraph_metadata() == nullptr || model.subgraph_metadata()->size() == 0) return;
    const schema::SubGraphMetadata* main = model.subgraph_metadata()->Get(0);
    const SubgraphRecord& graph = model_.subgraphs[0];
    tensors(main->input_tensor_metadata(), graph, graph.inputs);
    tensors(main->output_tensor_metadata(), graph, graph.outputs);
  }

 private:
  void set(const std::string& key, std::string text) {
    if (text.empty() || text.size() > budget_) return;  // many may refer to one text
    budget_ -= text.size();
    out_[key] = std::move(text);
  }

  void tensors(const flatbuffers::Vector<flatbuffers::Offset<schema::TensorMetadata>>* list,
               const SubgraphRecord& graph, const std::vector<int>& indices) {
    if (list == nullptr) return;
    // They stand in the order of the subgraph's inputs or outputs.
    for (size_t i = 0; i < indices.size() && i < list->size(); ++i)
      tensor(*list->Get(static_cast<flatbuffers::uoffset_t>(i)),
             std::string(graph.tensors[static_cast<size_t>(indices[i])].name));
  }

  void tensor(const schema::TensorMetadata& from, const std::string& name) {
    set("doc:" + name, text_of(from.description()));
    if (from.content() != nullptr) {
      if (const auto* image = from.content()->content_properties_as_ImageProperties()) {
        if (image->color_space() == schema::ColorSpaceType::RGB) set("color:" + name, "rgb");
        if (image->color_space() == schema::ColorSpaceType::GRAYSCALE) set("color:" + name, "gray");
      }
    }
    if (from.process_units() != nullptr)
      for (const schema::ProcessUnit* unit : *from.process_units())
        if (const auto* options = unit->options_as_NormalizationOptions())
          set("normalization:" + name,
              format("mean={} std={}", numbers_text(options->mean()), numbers_text(options->std())));
    if (from.stats() != nullptr && from.stats()->min() != nullptr && from.stats()->max() != nullptr)
      set("range:" + name,
          format("min={} max={}", numbers_text(from.stats()->min()), numbers_text(from.stats()->max())));
    if (from.associated_files() == nullptr) return;
    for (const schema::AssociatedFile* file : *from.associated_files())
      if (file->type() == schema::AssociatedFileType::TENSOR_AXIS_LABELS ||
          file->type() == schema::AssociatedFileType::TENSOR_VALUE_LABELS)
        labels(name, text_of(file->name()));
  }

  void labels(const std::string& tensor, const std::string& file) {
    const auto found = files_.find(file);
    if (found == files_.end())
      set("warning:labels:" + tensor, format("the label file \"{}\" is not in the model", file));
    else if (found->second.empty() || found->second.size() > kMostLabelBytes)
      set("warning:labels:" + tensor,
          format("the label file \"{}\" is empty, too large or compressed", file));
    else if (!out_.contains("labels:" + tensor))
      set("labels:" + tensor, {reinterpret_cast<const char*>(found->second.data()), found->second.size()});
  }

  const ModelRecord& model_;
  Texts& out_;
  std::map<std::string, std::span<const std::byte>> files_;
  size_t budget_;  ///< bytes of texts
};

}  // namespace

void read_metadata(const ModelRecord& model, Texts& out) {
  if (!model.description.empty()) out["producer"] = std::string(model.description);
  for (const SignatureRecord& signature : model.signatures) {
    const auto& tensors = model.subgraphs[signature.subgraph].tensors;
    for (const bool is_input : {true, false})
      for (const auto& [name, tensor] : is_input ? signature.inputs : signature.outputs)
        out[format("signature:{}:{}:{}", signature.key, is_input ? "input" : "output", name)] =
            std::string(tensors[static_cast<size_t>(tensor)].name);
  }
  for (const auto& [name, data] : model.metadata) {
    if (name != "TFLITE_METADATA" || data.empty()) continue;
    // The table lies anywhere in the file; its numbers must be aligned.
    const Bytes bytes = Bytes::copy_of(data);
    const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
    flatbuffers::Verifier verifier(begin, std::min<size_t>(bytes.size(), size_t{1} << 30), 64, 100000);
    if (!schema::VerifyModelMetadataBuffer(verifier)) {
      out["warning:metadata"] = "the TFLite metadata is damaged";
      continue;
    }
    Reader(model, out).read(*schema::GetModelMetadata(begin));
  }
}

}  // namespace pochade::tflite

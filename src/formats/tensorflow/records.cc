#include "formats/tensorflow/records.h"

namespace pochade::tensorflow {
namespace {

template <typename T, typename F>
Status read_inner(const WireField& field, F&& parse, T& out) {
  TRY(const WireReader inner, field.message());
  TRY(out, parse(inner));
  return {};
}

template <typename V>
using Entry = std::pair<std::string_view, V>;

/// An element of a map: key 1, value 2.
template <typename V, typename F>
Result<Entry<V>> parse_entry(WireReader reader, F&& parse) {
  Entry<V> out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.first));
    if (field.number() == 2) TRY(read_inner(field, parse, out.second));
  }
  return out;
}

Result<int64_t> parse_dim(WireReader reader) {
  int64_t size = 0;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(size));
  }
  return size;
}

Status read_list_field(const WireField& field, AttrRecord& out) {
  switch (field.number()) {
    case 2:
      return field.read(out.texts.emplace_back());
    case 3:
    case 5:
    case 6:
      return field.append(out.integers);
    case 4:
      return field.append(out.numbers);
    case 7:
      return read_inner(field, parse_shape, out.shapes.emplace_back());
    default:  // tensors and functions: nothing here reads lists of them
      return {};
  }
}

Result<AttrRecord> parse_list(WireReader reader) {
  AttrRecord out;
  out.kind = AttrKind::kList;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    TRY(read_list_field(field, out));
  }
  return out;
}

Status read_attr_field(const WireField& field, AttrRecord& out) {
  switch (field.number()) {
    case 1:
      return read_inner(field, parse_list, out);
    case 2:
      out.kind = AttrKind::kText;
      return field.read(out.text);
    case 3:
      out.kind = AttrKind::kInteger;
      return field.read(out.integer);
    case 4:
      out.kind = AttrKind::kNumber;
      return field.read(out.number);
    case 5:
      out.kind = AttrKind::kFlag;
      return field.read(out.integer);
    case 6:
      out.kind = AttrKind::kType;
      return field.read(out.integer);
    case 7:
      out.kind = AttrKind::kShape;
      return read_inner(field, parse_shape, out.shape);
    case 8:
      out.kind = AttrKind::kTensor;
      return field.read(out.message);
    case 9:
      out.kind = AttrKind::kPlaceholder;
      return field.read(out.text);
    case 10:
      out.kind = AttrKind::kFunction;
      return field.read(out.message);
    default:
      return {};
  }
}

Result<AttrRecord> parse_attr(WireReader reader) {
  AttrRecord out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    TRY(read_attr_field(field, out));
  }
  return out;
}

Status read_attr_entry(const WireField& field, Attrs& out) {
  Entry<AttrRecord> entry;
  TRY(read_inner(
      field, [](WireReader reader) { return parse_entry<AttrRecord>(reader, parse_attr); }, entry));
  out.insert_or_assign(entry.first, std::move(entry.second));
  return {};
}

Result<NodeRecord> parse_node(WireReader reader) {
  NodeRecord out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.name));
    if (field.number() == 2) TRY(field.read(out.op));
    if (field.number() == 3) TRY(field.read(out.inputs.emplace_back()));
    if (field.number() == 5) TRY(read_attr_entry(field, out.attrs));
  }
  if (out.name.empty() || out.op.empty()) return Error::invalid_model("a node has no name or no operator");
  return out;
}

Result<ArgumentRecord> parse_argument(WireReader reader) {
  ArgumentRecord out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.name));
    if (field.number() == 3) TRY(field.read(out.type));
  }
  return out;
}

Result<FunctionRecord> parse_function_signature(WireReader reader) {
  FunctionRecord out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.name));
    if (field.number() == 2) TRY(read_inner(field, parse_argument, out.inputs.emplace_back()));
    if (field.number() == 3) TRY(read_inner(field, parse_argument, out.outputs.emplace_back()));
  }
  return out;
}

Result<Entry<std::string_view>> parse_text_entry(WireReader reader) {
  Entry<std::string_view> out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.first));
    if (field.number() == 2) TRY(field.read(out.second));
  }
  return out;
}

Result<FunctionRecord> parse_function(WireReader reader) {
  FunctionRecord signature, out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(read_inner(field, parse_function_signature, signature));
    if (field.number() == 3) TRY(read_inner(field, parse_node, out.nodes.emplace_back()));
    if (field.number() == 4) {
      Entry<std::string_view> entry;
      TRY(read_inner(field, parse_text_entry, entry));
      out.results.insert(entry);
    }
  }
  out.name = signature.name;
  out.inputs = std::move(signature.inputs);
  out.outputs = std::move(signature.outputs);
  return out;
}

Status read_library(WireReader reader, GraphRecord& out) {
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() != 1) continue;
    FunctionRecord function;
    TRY(read_inner(field, parse_function, function));
    out.functions.emplace(function.name, std::move(function));
  }
  return {};
}

Result<GraphRecord> read_graph(WireReader reader) {
  GraphRecord out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(read_inner(field, parse_node, out.nodes.emplace_back()));
    if (field.number() == 2) {
      TRY(const WireReader inner, field.message());
      TRY(read_library(inner, out));
    }
  }
  return out;
}

Result<TensorInfo> parse_tensor_info(WireReader reader) {
  TensorInfo out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.name));
    if (field.number() == 2) TRY(field.read(out.type));
    if (field.number() == 3) TRY(read_inner(field, parse_shape, out.shape));
  }
  return out;
}

Result<SignatureRecord> parse_signature(WireReader reader) {
  SignatureRecord out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() != 1 && field.number() != 2) continue;
    Entry<TensorInfo> entry;
    TRY(read_inner(
        field, [](WireReader inner) { return parse_entry<TensorInfo>(inner, parse_tensor_info); }, entry));
    (field.number() == 1 ? out.inputs : out.outputs).insert(std::move(entry));
  }
  return out;
}

Status read_meta_info(WireReader reader, MetaGraph& out) {
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 4) TRY(field.read(out.tags.emplace_back()));
    if (field.number() == 5) TRY(field.read(out.version));
  }
  return {};
}

Result<MetaGraph> parse_meta_graph(WireReader reader) {
  MetaGraph out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) {
      TRY(const WireReader inner, field.message());
      TRY(read_meta_info(inner, out));
    } else if (field.number() == 2) {
      TRY(read_inner(field, read_graph, out.graph));
    } else if (field.number() == 5) {
      Entry<SignatureRecord> entry;
      TRY(read_inner(
          field, [](WireReader inner) { return parse_entry<SignatureRecord>(inner, parse_signature); },
          entry));
      out.signatures.insert(std::move(entry));
    }
  }
  return out;
}

}  // namespace

std::string_view to_string(AttrKind kind) {
  constexpr std::string_view kNames[] = {"nothing",    "a string",      "an integer", "a number",
                                         "a flag",     "a type",        "a shape",    "a tensor",
                                         "a function", "a placeholder", "a list"};
  return kNames[static_cast<size_t>(kind)];
}

Result<ShapeRecord> parse_shape(WireReader reader) {
  ShapeRecord out;
  int64_t unknown = 0;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 2) TRY(read_inner(field, parse_dim, out.dims.emplace_back()));
    if (field.number() == 3) TRY(field.read(unknown));
  }
  out.unknown_rank = unknown != 0;
  for (const int64_t dim : out.dims)
    if (dim < -1) return Error::invalid_model("a dimension is {}", dim);
  return out;
}

Result<TensorRecord> parse_tensor(std::span<const std::byte> message) {
  TensorRecord out;
  out.message = message;
  WireReader reader(message);
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.type));
    if (field.number() == 2) TRY(read_inner(field, parse_shape, out.shape));
    if (field.number() == 4) {
      TRY(field.read(out.content));
      out.has_content = !out.content.empty();
    }
    if (field.number() == 8) TRY(field.read(out.texts.emplace_back()));
  }
  return out;
}

Result<FunctionReference> parse_function_reference(std::span<const std::byte> message) {
  FunctionReference out;
  WireReader reader(message);
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(field.read(out.name));
    if (field.number() == 2) TRY(read_attr_entry(field, out.attrs));
  }
  return out;
}

Result<GraphRecord> parse_graph(std::span<const std::byte> file) {
  return read_graph(WireReader(file)).context("not a TensorFlow graph");
}

Result<std::vector<MetaGraph>> parse_saved_model(std::span<const std::byte> file) {
  const auto parse = [&]() -> Result<std::vector<MetaGraph>> {
    std::vector<MetaGraph> out;
    WireReader reader(file);
    while (!reader.done()) {
      TRY(const WireField field, reader.next());
      if (field.number() == 2) TRY(read_inner(field, parse_meta_graph, out.emplace_back()));
    }
    return out;
  };
  return parse().context("not a TensorFlow SavedModel");
}

}  // namespace pochade::tensorflow

#include "formats/onnx/records.h"

#include "formats/wire.h"

namespace pochade::onnx {
namespace {

template <typename T>
Status read_inner(const WireField& field, Result<T> (*parse)(WireReader), T& out) {
  TRY(const WireReader inner, field.message());
  TRY(out, parse(inner));
  return {};
}

template <typename E>
Status read_enum(const WireField& field, E& out) {
  int64_t value = 0;
  TRY(field.read(value));
  out = static_cast<E>(value);
  return {};
}

using StringPair = std::pair<std::string_view, std::string_view>;

Result<StringPair> parse_entry(WireReader reader) {
  StringPair out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) {
      TRY(field.read(out.first));
    } else if (field.number() == 2) {
      TRY(field.read(out.second));
    }
  }
  return out;
}

Result<TensorProto> read_tensor(WireReader reader) {
  TensorProto out;
  out.message = reader.rest();
  int64_t location = 0;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1:
        TRY(field.append(out.dims));
        break;
      case 2:
        TRY(read_enum(field, out.type));
        break;
      case 3:
        out.has_segment = true;
        break;
      case 8:
        TRY(field.read(out.name));
        break;
      case 9:
        TRY(field.read(out.raw));
        out.has_raw = true;
        break;
      case 13:
        TRY(read_inner(field, parse_entry, out.external.emplace_back()));
        break;
      case 14:
        TRY(field.read(location));
        out.is_external = location == 1;
        break;
      default:
        break;
    }
  }
  return out;
}

AttributeType attribute_type(int64_t type) {
  switch (type) {
    case 1:
      return AttributeType::kNumber;
    case 2:
      return AttributeType::kInteger;
    case 3:
      return AttributeType::kText;
    case 4:
      return AttributeType::kTensor;
    case 5:
      return AttributeType::kGraph;
    case 6:
      return AttributeType::kNumbers;
    case 7:
      return AttributeType::kIntegers;
    case 8:
      return AttributeType::kTexts;
    case 9:
      return AttributeType::kTensors;
    default:
      return AttributeType::kOther;
  }
}

Result<AttributeProto> parse_attribute(WireReader reader) {
  AttributeProto out;
  AttributeType seen = AttributeType::kNone;
  int64_t type = 0;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1:
        TRY(field.read(out.name));
        break;
      case 2:
        TRY(field.read(out.number));
        seen = AttributeType::kNumber;
        break;
      case 3:
        TRY(field.read(out.integer));
        seen = AttributeType::kInteger;
        break;
      case 4:
        TRY(field.read(out.text));
        seen = AttributeType::kText;
        break;
      case 5:
        TRY(field.read(out.message));
        seen = AttributeType::kTensor;
        break;
      case 6:
        TRY(field.read(out.message));
        seen = AttributeType::kGraph;
        break;
      case 7:
        TRY(field.append(out.numbers));
        seen = AttributeType::kNumbers;
        break;
      case 8:
        TRY(field.append(out.integers));
        seen = AttributeType::kIntegers;
        break;
      case 9:
        TRY(field.read(out.texts.emplace_back()));
        seen = AttributeType::kTexts;
        break;
      case 10:
        seen = AttributeType::kTensors;
        break;
      case 11:
      case 14:
      case 15:
      case 22:
      case 23:
        seen = AttributeType::kOther;
        break;
      case 20:
        TRY(field.read(type));
        out.type = attribute_type(type);
        break;
      case 21:
        TRY(field.read(out.reference));
        break;
      default:
        break;
    }
  }
  if (out.name.empty()) return Error::invalid_model("an attribute has no name");
  if (out.type == AttributeType::kNone) out.type = seen;
  return out;
}

Result<NodeProto> parse_node(WireReader reader) {
  NodeProto out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1:
        TRY(field.read(out.inputs.emplace_back()));
        break;
      case 2:
        TRY(field.read(out.outputs.emplace_back()));
        break;
      case 3:
        TRY(field.read(out.name));
        break;
      case 4:
        TRY(field.read(out.op_type));
        break;
      case 5:
        TRY(read_inner(field, parse_attribute, out.attributes.emplace_back()));
        break;
      case 7:
        TRY(field.read(out.domain));
        break;
      default:
        break;
    }
  }
  if (out.op_type.empty()) return Error::invalid_model("node \"{}\" has no operator", out.name);
  return out;
}

Result<TypeProto::Dim> parse_dim(WireReader reader) {
  TypeProto::Dim out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) {
      TRY(field.read(out.value));
      out.has_value = true;
    } else if (field.number() == 2) {
      TRY(field.read(out.name));
      out.has_value = false;
    }
  }
  return out;
}

Status parse_tensor_type(WireReader reader, TypeProto& out) {
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) {
      TRY(read_enum(field, out.element));
    } else if (field.number() == 2) {
      out.has_shape = true;
      TRY(WireReader shape, field.message());
      while (!shape.done()) {
        TRY(const WireField dim, shape.next());
        if (dim.number() != 1) continue;
        TRY(read_inner(dim, parse_dim, out.dims.emplace_back()));
      }
    }
  }
  return {};
}

Result<TypeProto> parse_type(WireReader reader) {
  TypeProto out;
  out.kind = "a value without a type";
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1: {
        out.kind = {};
        TRY(const WireReader inner, field.message());
        TRY(parse_tensor_type(inner, out));
        break;
      }
      case 4:
        out.kind = "a sequence";
        break;
      case 5:
        out.kind = "a map";
        break;
      case 7:
        out.kind = "an opaque value";
        break;
      case 8:
        out.kind = "a sparse tensor";
        break;
      case 9:
        out.kind = "an optional value";
        break;
      default:
        break;
    }
  }
  return out;
}

Result<ValueInfoProto> parse_value(WireReader reader) {
  ValueInfoProto out;
  out.type.kind = "a value without a type";
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1:
        TRY(field.read(out.name));
        break;
      case 2:
        TRY(read_inner(field, parse_type, out.type));
        break;
      case 3:
        TRY(field.read(out.doc));
        break;
      default:
        break;
    }
  }
  return out;
}

Result<std::string_view> sparse_name(WireReader reader) {
  TensorProto values;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) TRY(read_inner(field, read_tensor, values));
  }
  return values.name;
}

Result<GraphProto> read_graph(WireReader reader) {
  GraphProto out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1:
        TRY(read_inner(field, parse_node, out.nodes.emplace_back()));
        break;
      case 2:
        TRY(field.read(out.name));
        break;
      case 5:
        TRY(read_inner(field, read_tensor, out.initializers.emplace_back()));
        break;
      case 10:
        TRY(field.read(out.doc));
        break;
      case 11:
      case 12:
      case 13: {
        auto& list = field.number() == 11 ? out.inputs : field.number() == 12 ? out.outputs : out.values;
        TRY(read_inner(field, parse_value, list.emplace_back()));
        break;
      }
      case 15:
        TRY(read_inner(field, sparse_name, out.sparse_initializers.emplace_back()));
        break;
      default:
        break;
    }
  }
  return out;
}

Status parse_opset(WireReader reader, OpsetMap& out) {
  std::string_view domain;
  int64_t version = 0;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    if (field.number() == 1) {
      TRY(field.read(domain));
    } else if (field.number() == 2) {
      TRY(field.read(version));
    }
  }
  int64_t& known = out[normal_domain(domain)];
  known = std::max(known, version);
  return {};
}

Result<FunctionProto> parse_function(WireReader reader) {
  FunctionProto out;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1:
        TRY(field.read(out.name));
        break;
      case 4:
      case 5:
      case 6:
        TRY(field.read((field.number() == 4   ? out.inputs
                        : field.number() == 5 ? out.outputs
                                              : out.attributes)
                           .emplace_back()));
        break;
      case 7:
        TRY(read_inner(field, parse_node, out.nodes.emplace_back()));
        break;
      case 9: {
        TRY(const WireReader inner, field.message());
        TRY(parse_opset(inner, out.opsets));
        break;
      }
      case 10:
        TRY(field.read(out.domain));
        break;
      case 11:
        TRY(read_inner(field, parse_attribute, out.defaults.emplace_back()));
        break;
      default:
        break;
    }
  }
  out.domain = normal_domain(out.domain);
  return out;
}

Result<ModelProto> read_model(WireReader reader) {
  ModelProto out;
  bool has_graph = false;
  while (!reader.done()) {
    TRY(const WireField field, reader.next());
    switch (field.number()) {
      case 1:
        TRY(field.read(out.ir_version));
        break;
      case 2:
        TRY(field.read(out.producer_name));
        break;
      case 3:
        TRY(field.read(out.producer_version));
        break;
      case 6:
        TRY(field.read(out.doc));
        break;
      case 7: {
        if (has_graph) return Error::invalid_model("the file holds two graphs");
        has_graph = true;
        TRY(read_inner(field, read_graph, out.graph));
        break;
      }
      case 8: {
        TRY(const WireReader inner, field.message());
        TRY(parse_opset(inner, out.opsets));
        break;
      }
      case 14:
        TRY(read_inner(field, parse_entry, out.metadata.emplace_back()));
        break;
      case 25:
        TRY(read_inner(field, parse_function, out.functions.emplace_back()));
        break;
      default:
        break;
    }
  }
  if (!has_graph) return Error::invalid_model("the file holds no graph");
  return out;
}

}  // namespace

std::string_view to_string(AttributeType type) {
  switch (type) {
    case AttributeType::kNone:
      return "nothing";
    case AttributeType::kNumber:
      return "a number";
    case AttributeType::kInteger:
      return "an integer";
    case AttributeType::kText:
      return "a text";
    case AttributeType::kTensor:
      return "a tensor";
    case AttributeType::kGraph:
      return "a graph";
    case AttributeType::kNumbers:
      return "a list of numbers";
    case AttributeType::kIntegers:
      return "a list of integers";
    case AttributeType::kTexts:
      return "a list of texts";
    case AttributeType::kTensors:
      return "a list of tensors";
    case AttributeType::kOther:
      return "a value of another kind";
  }
  return "";
}

Result<ModelProto> parse_model(Bytes file) {
  if (file.size() == 0) return Error::invalid_model("the file is empty");
  auto out = Result<ModelProto>(read_model(WireReader(file.span()))).context("not a readable ONNX model");
  if (out) out->file = std::move(file);
  return out;
}

Result<TensorProto> parse_tensor(std::span<const std::byte> message) {
  return read_tensor(WireReader(message));
}

Result<GraphProto> parse_graph(std::span<const std::byte> message) {
  return read_graph(WireReader(message));
}

}  // namespace pochade::onnx

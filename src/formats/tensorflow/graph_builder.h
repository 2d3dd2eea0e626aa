#pragma once
// Writes small GraphDefs and SavedModels, right and wrong ones, for tests.

#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "formats/wire.h"

namespace pochade::tensorflow {

constexpr int64_t kFloatType = 1, kInt32Type = 3, kBoolType = 10;

inline WireWriter shape_message(const std::vector<int64_t>& dims) {
  WireWriter out;
  for (const int64_t dim : dims) {
    WireWriter inner;
    inner.integer(1, dim);
    out.message(2, inner);
  }
  return out;
}

/// One attribute of a node: its name and its AttrValue.
using Attr = std::pair<std::string, WireWriter>;

inline Attr integer_attr(std::string name, int64_t value) {
  WireWriter out;
  out.integer(3, value);
  return {std::move(name), out};
}
inline Attr number_attr(std::string name, float value) {
  WireWriter out;
  out.number32(4, value);
  return {std::move(name), out};
}
inline Attr flag_attr(std::string name, bool value) {
  WireWriter out;
  out.integer(5, value ? 1 : 0);
  return {std::move(name), out};
}
inline Attr type_attr(std::string name, int64_t type) {
  WireWriter out;
  out.integer(6, type);
  return {std::move(name), out};
}
inline Attr text_attr(std::string name, std::string_view text) {
  WireWriter out;
  out.text(2, text);
  return {std::move(name), out};
}
inline Attr shape_attr(std::string name, const std::vector<int64_t>& dims) {
  WireWriter out;
  out.message(7, shape_message(dims));
  return {std::move(name), out};
}
inline Attr integers_attr(std::string name, const std::vector<int64_t>& values) {
  WireWriter list, out;
  list.packed(3, std::span<const int64_t>(values));
  out.message(1, list);
  return {std::move(name), out};
}
inline Attr function_attr(std::string name, std::string_view function) {
  WireWriter inner, out;
  inner.text(1, function);
  out.message(10, inner);
  return {std::move(name), out};
}
inline Attr tensor_attr(std::string name, const WireWriter& tensor) {
  WireWriter out;
  out.message(8, tensor);
  return {std::move(name), out};
}

/// A TensorProto with its elements as bytes.
template <typename T>
WireWriter tensor_message(int64_t type, const std::vector<int64_t>& dims, const std::vector<T>& values) {
  WireWriter out;
  out.integer(1, type);
  out.message(2, shape_message(dims));
  out.bytes(4, std::as_bytes(std::span(values)));
  return out;
}

inline WireWriter node_message(std::string_view name, std::string_view op,
                               const std::vector<std::string>& inputs, const std::vector<Attr>& attrs = {}) {
  WireWriter out;
  out.text(1, name);
  out.text(2, op);
  for (const std::string& input : inputs) out.text(3, input);
  for (const Attr& attr : attrs) {
    WireWriter entry;
    entry.text(1, attr.first);
    entry.message(2, attr.second);
    out.message(5, entry);
  }
  return out;
}

/// A function: "name:type" arguments, nodes, and "name" -> "node:output:0" results.
inline WireWriter function_message(std::string_view name,
                                   const std::vector<std::pair<std::string, int64_t>>& inputs,
                                   const std::vector<std::pair<std::string, int64_t>>& outputs,
                                   const std::vector<WireWriter>& nodes,
                                   const std::vector<std::pair<std::string, std::string>>& results) {
  const auto argument = [](const std::pair<std::string, int64_t>& a) {
    WireWriter out;
    out.text(1, a.first);
    out.integer(3, a.second);
    return out;
  };
  WireWriter signature, out;
  signature.text(1, name);
  for (const auto& input : inputs) signature.message(2, argument(input));
  for (const auto& output : outputs) signature.message(3, argument(output));
  out.message(1, signature);
  for (const WireWriter& node : nodes) out.message(3, node);
  for (const auto& [key, value] : results) {
    WireWriter entry;
    entry.text(1, key);
    entry.text(2, value);
    out.message(4, entry);
  }
  return out;
}

class GraphBuilder {
 public:
  GraphBuilder& node(std::string_view name, std::string_view op, const std::vector<std::string>& inputs = {},
                     const std::vector<Attr>& attrs = {}) {
    graph_.message(1, node_message(name, op, inputs, attrs));
    return *this;
  }
  GraphBuilder& input(std::string_view name, const std::vector<int64_t>& dims, int64_t type = kFloatType) {
    return node(name, "Placeholder", {}, {type_attr("dtype", type), shape_attr("shape", dims)});
  }
  GraphBuilder& floats(std::string_view name, const std::vector<int64_t>& dims,
                       const std::vector<float>& values) {
    return constant(name, kFloatType, tensor_message(kFloatType, dims, values));
  }
  GraphBuilder& int32s(std::string_view name, const std::vector<int64_t>& dims,
                       const std::vector<int32_t>& values) {
    return constant(name, kInt32Type, tensor_message(kInt32Type, dims, values));
  }
  GraphBuilder& constant(std::string_view name, int64_t type, const WireWriter& tensor) {
    return node(name, "Const", {}, {type_attr("dtype", type), tensor_attr("value", tensor)});
  }
  GraphBuilder& function(const WireWriter& function) {
    WireWriter library;
    library.message(1, function);
    graph_.message(2, library);  // repeated libraries are one
    return *this;
  }

  const WireWriter& message() const { return graph_; }
  Bytes bytes() const { return Bytes::copy_of(graph_.str()); }

 private:
  WireWriter graph_;
};

/// A SavedModel with one signature, "serving_default".
struct SignatureEntry {
  std::string name, tensor;
  int64_t type = kFloatType;
  std::vector<int64_t> dims;
};
inline Bytes saved_model_bytes(const GraphBuilder& graph, const std::vector<SignatureEntry>& inputs,
                               const std::vector<SignatureEntry>& outputs) {
  const auto entry = [](const SignatureEntry& e) {
    WireWriter info, out;
    info.text(1, e.tensor);
    info.integer(2, e.type);
    info.message(3, shape_message(e.dims));
    out.text(1, e.name);
    out.message(2, info);
    return out;
  };
  WireWriter signature, signature_entry, info, meta, out;
  for (const SignatureEntry& input : inputs) signature.message(1, entry(input));
  for (const SignatureEntry& output : outputs) signature.message(2, entry(output));
  signature_entry.text(1, "serving_default");
  signature_entry.message(2, signature);
  info.text(4, "serve");
  meta.message(1, info);
  meta.message(2, graph.message());
  meta.message(5, signature_entry);
  out.integer(1, 1);
  out.message(2, meta);
  return Bytes::copy_of(out.str());
}

}  // namespace pochade::tensorflow

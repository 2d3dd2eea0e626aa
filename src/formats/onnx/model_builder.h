#pragma once
// Writes small ONNX models, right and wrong ones, for tests.

#include <string>
#include <vector>

#include "formats/onnx/records.h"
#include "formats/wire.h"

namespace pochade::onnx {

/// "3" is a number, "" unknown, everything else a name.
using DimTexts = std::vector<std::string>;

inline WireWriter value_info(std::string_view name, ElementType type, const DimTexts& dims,
                             std::string_view doc = "") {
  WireWriter shape;
  for (const std::string& text : dims) {
    WireWriter dim;
    if (!text.empty() && text.find_first_not_of("-0123456789") == std::string::npos)
      dim.integer(1, std::stoll(text));
    else if (!text.empty())
      dim.text(2, text);
    shape.message(1, dim);
  }
  WireWriter tensor, outer, out;
  tensor.integer(1, static_cast<int64_t>(type));
  tensor.message(2, shape);
  outer.message(1, tensor);
  out.text(1, name);
  out.message(2, outer);
  if (!doc.empty()) out.text(3, doc);
  return out;
}

inline WireWriter raw_tensor(std::string_view name, ElementType type, const std::vector<int64_t>& dims,
                             std::string_view raw) {
  WireWriter out;
  for (const int64_t dim : dims) out.integer(1, dim);
  out.integer(2, static_cast<int64_t>(type));
  if (!name.empty()) out.text(8, name);
  out.text(9, raw);
  return out;
}

template <typename T>
WireWriter raw_tensor(std::string_view name, ElementType type, const std::vector<int64_t>& dims,
                      const std::vector<T>& values) {
  return raw_tensor(
      name, type, dims,
      std::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
}

/// One attribute.
inline WireWriter attribute(std::string_view name, int64_t value) {
  WireWriter out;
  out.text(1, name);
  out.integer(3, value);
  out.integer(20, 2);
  return out;
}
inline WireWriter attribute(std::string_view name, float value) {
  WireWriter out;
  out.text(1, name);
  out.number32(2, value);
  out.integer(20, 1);
  return out;
}
inline WireWriter attribute(std::string_view name, std::string_view value) {
  WireWriter out;
  out.text(1, name);
  out.text(4, value);
  out.integer(20, 3);
  return out;
}
inline WireWriter attribute(std::string_view name, const std::vector<int64_t>& values) {
  WireWriter out;
  out.text(1, name);
  for (const int64_t value : values) out.integer(8, value);
  out.integer(20, 7);
  return out;
}
inline WireWriter tensor_attribute(std::string_view name, const WireWriter& tensor) {
  WireWriter out;
  out.text(1, name);
  out.message(5, tensor);
  out.integer(20, 4);
  return out;
}
inline WireWriter graph_attribute(std::string_view name, const WireWriter& graph) {
  WireWriter out;
  out.text(1, name);
  out.message(6, graph);
  out.integer(20, 5);
  return out;
}
inline WireWriter reference_attribute(std::string_view name, std::string_view to, int64_t type) {
  WireWriter out;
  out.text(1, name);
  out.integer(20, type);
  out.text(21, to);
  return out;
}

inline WireWriter node(std::string_view op, const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs,
                       const std::vector<WireWriter>& attributes = {}, std::string_view name = "",
                       std::string_view domain = "") {
  WireWriter out;
  for (const std::string& input : inputs) out.text(1, input);
  for (const std::string& output : outputs) out.text(2, output);
  if (!name.empty()) out.text(3, name);
  out.text(4, op);
  for (const WireWriter& a : attributes) out.message(5, a);
  if (!domain.empty()) out.text(7, domain);
  return out;
}

inline WireWriter opset(std::string_view domain, int64_t version) {
  WireWriter out;
  out.text(1, domain);
  out.integer(2, version);
  return out;
}

/// ModelBuilder(13).input("x", ...).node(...).output("y", ...).bytes()
class ModelBuilder {
 public:
  explicit ModelBuilder(int64_t version) { model_.integer(1, 8), model_.message(8, opset("", version)); }

  ModelBuilder& input(std::string_view name, ElementType type, const DimTexts& dims,
                      std::string_view doc = "") {
    graph_.message(11, value_info(name, type, dims, doc));
    return *this;
  }
  ModelBuilder& output(std::string_view name, ElementType type = ElementType::kFloat,
                       const DimTexts& dims = {}) {
    graph_.message(12, value_info(name, type, dims));
    return *this;
  }
  ModelBuilder& initializer(const WireWriter& tensor) {
    graph_.message(5, tensor);
    return *this;
  }
  ModelBuilder& node(std::string_view op, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs, const std::vector<WireWriter>& attributes = {},
                     std::string_view name = "", std::string_view domain = "") {
    graph_.message(1, onnx::node(op, inputs, outputs, attributes, name, domain));
    return *this;
  }
  ModelBuilder& function(const WireWriter& function) {
    model_.message(25, function);
    return *this;
  }
  ModelBuilder& domain(std::string_view name, int64_t version) {
    model_.message(8, opset(name, version));
    return *this;
  }
  ModelBuilder& metadata(std::string_view key, std::string_view text) {
    WireWriter entry;
    entry.text(1, key);
    entry.text(2, text);
    model_.message(14, entry);
    return *this;
  }

  const WireWriter& graph() const { return graph_; }
  std::string str() const {
    WireWriter out = model_;
    out.message(7, graph_);
    return out.str();
  }
  Bytes bytes() const { return Bytes::copy_of(str()); }

 private:
  WireWriter model_, graph_;
};

}  // namespace pochade::onnx

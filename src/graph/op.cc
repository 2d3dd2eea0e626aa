#include "graph/op.h"

#include <limits>

#include <bit>

namespace pochade {
namespace {

class TextVisitor final : public FieldVisitor {
 public:
  std::string out;
  void add(std::string_view name, std::string_view value) {
    if (!out.empty()) out += ' ';
    out += format("{}={}", name, value);
  }
  void integer(std::string_view name, int64_t value) override { add(name, std::to_string(value)); }
  void number(std::string_view name, double value) override {
    add(name, format("{}", static_cast<float>(value)));
  }
  void text(std::string_view name, std::string_view value) override { add(name, value); }
  void integers(std::string_view name, std::span<const int64_t> values) override {
    add(name, join(values, "x"));
  }
  void numbers(std::string_view name, std::span<const float> values) override {
    add(name, join(values, ","));
  }
  void tensor(std::string_view name, const Tensor& value) override {
    add(name, value.defined() ? format("<{} {}>", to_string(value.dtype()), value.shape()) : "none");
  }
  void op(std::string_view name, const Op& value) override {
    add(name, format("{}({})", value.name(), value.fields_text()));
  }
};

/// The exact values, as bytes: two operators are equal if these are.
class KeyVisitor final : public FieldVisitor {
 public:
  std::string out;
  std::vector<Tensor> tensors;
  template <typename T>
  void raw(const T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void integer(std::string_view, int64_t value) override { raw(value); }
  void number(std::string_view, double value) override { raw(value); }
  void text(std::string_view, std::string_view value) override {
    raw(value.size());
    out += value;
  }
  void integers(std::string_view, std::span<const int64_t> values) override {
    raw(values.size());
    for (const int64_t v : values) raw(v);
  }
  void numbers(std::string_view, std::span<const float> values) override {
    raw(values.size());
    for (const float v : values) raw(v);
  }
  void tensor(std::string_view, const Tensor& value) override { tensors.push_back(value); }
  void op(std::string_view, const Op& value) override {
    text("", value.name());
    value.visit_fields(*this);
  }
};

KeyVisitor key_of(const Op& op) {
  KeyVisitor key;
  key.text("", op.name());
  op.visit_fields(key);
  return key;
}

}  // namespace

Cost Op::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  return {0, bytes_of(in) + bytes_of(out)};
}

bool Op::equals(const Op& other) const {
  if (this == &other) return true;
  if (name() != other.name()) return false;
  const KeyVisitor a = key_of(*this), b = key_of(other);
  if (a.out != b.out || a.tensors.size() != b.tensors.size()) return false;
  for (size_t i = 0; i < a.tensors.size(); ++i)
    if (!a.tensors[i].identical(b.tensors[i])) return false;
  return true;
}

uint64_t Op::hash() const {
  const KeyVisitor key = key_of(*this);
  uint64_t h = std::hash<std::string>()(key.out);
  for (const Tensor& t : key.tensors)
    if (t.defined()) h = h * 31 + t.hash();
  return h;
}

std::string Op::fields_text() const {
  TextVisitor visitor;
  visit_fields(visitor);
  return visitor.out;
}

int64_t bytes_of(std::span<const Fact> facts) {
  int64_t total = 0;
  for (const Fact& fact : facts) {
    const auto shape = fact.present() ? fact.shape() : std::nullopt;
    if (!shape) continue;
    const auto elements = shape->checked_elements();
    const auto bytes =
        elements ? checked_mul(*elements, static_cast<int64_t>(size_of(*fact.dtype))) : std::nullopt;
    const auto sum = bytes ? checked_add(total, *bytes) : std::nullopt;
    if (!sum) return std::numeric_limits<int64_t>::max();  // nothing of that size can be made
    total = *sum;
  }
  return total;
}

}  // namespace pochade

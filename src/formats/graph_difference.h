#pragma once
// For tests of writers: whether two graphs compute the same by the same operators.

#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace pochade {

/// Walks both graphs from their outputs. Empty if they agree in inputs, outputs, operators, attributes,
/// constants and facts; else the first place where they do not. Names of inner values and of nodes do not
/// count.
class GraphDifference {
 public:
  GraphDifference(const Graph& a, const Graph& b) : a_(a), b_(b) {}

  std::string find() {
    if (a_.inputs().size() != b_.inputs().size())
      return format("{} and {} inputs", a_.inputs().size(), b_.inputs().size());
    for (size_t i = 0; i < a_.inputs().size(); ++i) {
      const Value &x = a_.value(a_.inputs()[i]), &y = b_.value(b_.inputs()[i]);
      if (x.name != y.name) return format("inputs \"{}\" and \"{}\"", x.name, y.name);
      if (!same_fact(x.fact, y.fact)) return format("input \"{}\": {} and {}", x.name, x.fact, y.fact);
      same_[a_.inputs()[i]] = b_.inputs()[i];
    }
    if (a_.outputs().size() != b_.outputs().size())
      return format("{} and {} outputs", a_.outputs().size(), b_.outputs().size());
    for (size_t i = 0; i < a_.outputs().size(); ++i) {
      if (a_.outputs()[i].name != b_.outputs()[i].name)
        return format("outputs \"{}\" and \"{}\"", a_.outputs()[i].name, b_.outputs()[i].name);
      waiting_.push_back({a_.outputs()[i].value, b_.outputs()[i].value});
    }
    while (!waiting_.empty()) {
      const auto [x, y] = waiting_.back();
      waiting_.pop_back();
      if (std::string text = compare(x, y); !text.empty()) return text;
    }
    return "";
  }

 private:
  static bool same_fact(const Fact& x, const Fact& y) {
    const bool same_quantization = (x.quantization == nullptr) == (y.quantization == nullptr) &&
                                   (x.quantization == nullptr || *x.quantization == *y.quantization);
    return x.dtype == y.dtype && x.dims == y.dims && same_quantization;
  }

  std::string compare(ValueId x, ValueId y) {
    if (x == kNone || y == kNone) return x == y ? "" : "an input is absent in one of them";
    const auto [found, is_new] = same_.emplace(x, y);
    if (!is_new) return found->second == y ? "" : format("\"{}\" is two values", a_.value(x).name);
    const Value &one = a_.value(x), &other = b_.value(y);
    if (!same_fact(one.fact, other.fact))
      return format("\"{}\" is {} and {}", one.name, one.fact, other.fact);
    if (one.output_index != other.output_index) return format("\"{}\" is another output", one.name);
    if (one.producer == kNone || other.producer == kNone) {
      if (one.producer != other.producer)
        return format("\"{}\" is computed in one, \"{}\"", one.name, other.name);
      if (!one.fact.is_constant() || !other.fact.is_constant())
        return format("\"{}\" is an input in one of them", one.name);
      const Tensor &u = one.fact.constant, &v = other.fact.constant;
      return u.identical(v) ? "" : format("constant \"{}\" has other elements", one.name);
    }
    const Node &n = a_.node(one.producer), &m = b_.node(other.producer);
    if (!n.op->equals(*m.op))
      return format("node \"{}\": {} {} and {} {}", n.name, n.op->name(), n.op->fields_text(), m.op->name(),
                    m.op->fields_text());
    if (n.inputs.size() != m.inputs.size())
      return format("node \"{}\" ({}): {} and {} inputs", n.name, n.op->name(), n.inputs.size(),
                    m.inputs.size());
    for (size_t i = 0; i < n.inputs.size(); ++i) waiting_.push_back({n.inputs[i], m.inputs[i]});
    return "";
  }

  const Graph& a_;
  const Graph& b_;
  std::map<ValueId, ValueId> same_;
  std::vector<std::pair<ValueId, ValueId>> waiting_;
};

inline std::string graph_difference(const Graph& a, const Graph& b) {
  return GraphDifference(a, b).find();
}

}  // namespace pochade

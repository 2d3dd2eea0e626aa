#include "ops/quant/quantized_kinds.h"

#include <unordered_map>

namespace pochade {
namespace {

// clang-format off
constexpr QuantizedKind kKinds[] = {
    {"Conv", "QuantizedConv", check_quantized_conv, eval_quantized_conv, lower_quantized_conv},
};
// clang-format on

}  // namespace

const QuantizedKind* quantized_kind(std::string_view op) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const QuantizedKind*> map;
    for (const QuantizedKind& kind : kKinds) map.emplace(kind.op, &kind);
    return map;
  }();
  const auto found = by_name.find(op);
  return found == by_name.end() ? nullptr : found->second;
}

}  // namespace pochade

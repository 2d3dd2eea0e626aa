#include "passes/fold_pad.h"

#include <algorithm>
#include <limits>

#include "ops/conv/conv.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/quantized.h"
#include "ops/shape/pad.h"
#include "passes/match.h"

namespace pochade {
namespace {

struct Padding {
  ValueId x = kNone;
  PadFill fill = PadFill::kConstant;
  double value = 0;
  std::vector<int64_t> begin, end;      ///< of the spatial axes
  std::optional<Quantized::Type> type;  ///< of x, if the Pad is quantized
};

/// A Pad that grows spatial axes only, by constants.
std::optional<Padding> padding_at(const Finder& find, NodeId id) {
  const Node& node = find.graph().node(id);
  const auto* quantized = op_as<Quantized>(*node.op);
  const auto* pad = op_as<Pad>(quantized != nullptr ? *quantized->op : *node.op);
  if (pad == nullptr || !find.graph().fact(node.inputs[0]).dims) return std::nullopt;
  const int rank = find.graph().fact(node.inputs[0]).rank();
  if (rank < 3 || rank > 5) return std::nullopt;
  const auto sizes = pad_sizes(find.graph().facts(node.inputs), rank);
  if (!sizes || !*sizes) return std::nullopt;
  const PadSizes& all = **sizes;
  if (all.begin.front() != 0 || all.end.front() != 0 || all.begin.back() != 0 || all.end.back() != 0)
    return std::nullopt;
  Padding out{node.inputs[0],
              pad->mode,
              0,
              {all.begin.begin() + 1, all.begin.end() - 1},
              {all.end.begin() + 1, all.end.end() - 1},
              std::nullopt};
  const auto negative = [](int64_t p) { return p < 0; };
  if (std::ranges::any_of(out.begin, negative) || std::ranges::any_of(out.end, negative)) return std::nullopt;
  if (const ValueId value = input_of(node, 2); value != kNone) {
    if (!find.is_constant(value) || find.constant(value).elements() != 1) return std::nullopt;
    out.value = static_cast<double>(to_floats(find.constant(value))[0]);
  } else if (quantized != nullptr) {
    out.value = quantized->in[0].zero_point();
  }
  if (quantized != nullptr) {
    const Quantized::Type& x = quantized->in[0];
    if (!(x == quantized->out[0]) || !is_none(quantized->act)) return std::nullopt;
    out.type = x;
    out.value -= x.zero_point();
  }
  return out;
}

bool has_no_pads(const Window& window) {
  const auto zero = [](int64_t p) { return p == 0; };
  return window.auto_pad == AutoPad::kExplicit && std::ranges::all_of(window.pads_begin, zero) &&
         std::ranges::all_of(window.pads_end, zero);
}

void grow(Window& window, const Padding& padding) {
  window.pads_begin.resize(padding.begin.size());
  window.pads_end.resize(padding.end.size());
  for (size_t i = 0; i < padding.begin.size(); ++i) {
    window.pads_begin[i] += padding.begin[i];
    window.pads_end[i] += padding.end[i];
  }
}

OpPtr padded(const Conv& conv, const Padding& padding) {
  Conv out = conv;
  const bool zeros = padding.fill == PadFill::kConstant && padding.value == 0;
  if (zeros && conv.window.auto_pad == AutoPad::kExplicit &&
      (conv.pad_mode == PadMode::kZero || has_no_pads(conv.window))) {
    out.pad_mode = PadMode::kZero;
  } else if ((padding.fill == PadFill::kReflect || padding.fill == PadFill::kEdge) &&
             has_no_pads(conv.window)) {
    out.pad_mode = padding.fill == PadFill::kReflect ? PadMode::kReflect : PadMode::kEdge;
  } else {
    return nullptr;
  }
  grow(out.window, padding);
  return make_op(std::move(out));
}

/// Kernels of pools take pads that are smaller than the window.
bool fits_pool(const Padding& padding, const Window& window, const std::vector<int64_t>& kernel) {
  if (padding.fill != PadFill::kConstant || window.ceil_mode || !has_no_pads(window) ||
      kernel.size() != padding.begin.size())
    return false;
  for (size_t i = 0; i < kernel.size(); ++i)
    if (padding.begin[i] >= kernel[i] || padding.end[i] >= kernel[i] || window.dilation(i) != 1) return false;
  return true;
}

OpPtr padded(const AveragePool& pool, const Padding& padding) {
  if (padding.value != 0 || !fits_pool(padding, pool.window, pool.kernel)) return nullptr;
  AveragePool out = pool;
  out.count_include_pad = true;
  grow(out.window, padding);
  return make_op(std::move(out));
}

OpPtr padded(const MaxPool& pool, const Padding& padding) {
  const bool never_wins = padding.value <= static_cast<double>(std::numeric_limits<float>::lowest());
  if (!never_wins || pool.with_indices || !fits_pool(padding, pool.window, pool.kernel)) return nullptr;
  MaxPool out = pool;
  grow(out.window, padding);
  return make_op(std::move(out));
}

OpPtr padded(const Quantized& quantized, const Padding& padding) {
  const auto* conv = op_as<Conv>(*quantized.op);
  if (conv == nullptr || padding.fill != PadFill::kConstant || !(quantized.in[0] == *padding.type))
    return nullptr;
  Quantized out = quantized;
  out.op = padded(*conv, padding);
  return out.op == nullptr ? nullptr : make_op(std::move(out));
}

/// The operator with the padding inside; null if it cannot have it.
OpPtr with_padding(const Op& op, const Padding& padding) {
  if (padding.type) {
    const auto* quantized = op_as<Quantized>(op);
    return quantized == nullptr ? nullptr : padded(*quantized, padding);
  }
  if (const auto* conv = op_as<Conv>(op)) return padded(*conv, padding);
  if (const auto* pool = op_as<AveragePool>(op)) return padded(*pool, padding);
  if (const auto* pool = op_as<MaxPool>(op)) return padded(*pool, padding);
  return nullptr;
}

}  // namespace

Result<Rewrite> fold_pad(const Graph& graph) {
  Rewrite rewrite(graph);
  const Finder find(graph);
  for (const NodeId n : graph.topological_order()) {
    const auto padding = padding_at(find, n);
    if (!padding) continue;
    const ValueId y = graph.node(n).outputs[0];
    // Every reader must take it: a Pad that stays would be computed beside the padded convolution.
    const auto& users = find.users(y);
    const auto takes = [&](NodeId user) {
      return input_of(graph.node(user), 0) == y && with_padding(*graph.node(user).op, *padding);
    };
    if (users.empty() || graph.is_output(y) || !std::ranges::all_of(users, takes)) continue;
    for (const NodeId user : users) {
      std::vector<ValueId> inputs = rewrite.graph().node(user).inputs;
      inputs[0] = rewrite.graph().node(n).inputs[0];
      rewrite.replace(user, with_padding(*graph.node(user).op, *padding), std::move(inputs));
    }
  }
  return rewrite;
}

}  // namespace pochade

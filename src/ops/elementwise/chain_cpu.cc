#include <algorithm>
#include <variant>

#include "ops/elementwise/chain.h"
#include "ops/elementwise/elementwise_cpu.h"

namespace pochade {
namespace {

constexpr size_t kBlockElements = 2048;  // 8 KB: with two or three operands it stays in the first cache

struct UnaryLink {
  UnaryKernel kernel;
  int64_t x;
};
struct BinaryLink {
  BinaryLoop loop;
  int64_t a, b;
};
using Link = std::variant<UnaryLink, BinaryLink>;

/// Inputs of the output's shape that nobody reads after the first link has written: the output may take their
/// memory.
std::vector<int> in_place_inputs(const Chain& op, const Lowering& at) {
  std::vector<int> reads(at.inputs.size(), 0);
  for (const Chain::Link& link : op.links)
    for (const int64_t operand : link.operands)
      if (operand >= 0) ++reads[static_cast<size_t>(operand)];
  std::vector<int> out;
  for (const int64_t operand : op.links[0].operands)
    if (operand >= 0 && reads[static_cast<size_t>(operand)] == 1 &&
        at.in_shape(static_cast<size_t>(operand)) == at.out_shape(0))
      out.push_back(static_cast<int>(operand));
  return out;
}

}  // namespace

bool can_be_link(const Op& op, std::span<const Fact> in) {
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i].present() && in[i].dtype != DType::kF32) return false;
  if (unary_kernel(op, in)) return true;
  return in.size() == 2 && binary_kernel(op).has_value();
}

Result<Step> lower(const Chain& op, const Lowering& at) {
  if (!at.all_f32()) return Lowering::reference();
  const Shape shape = at.out_shape(0);
  std::vector<Link> links;
  std::vector<std::string_view> names;
  int64_t cost = 0;
  for (const Chain::Link& link : op.links) {
    Facts facts;
    for (const int64_t operand : link.operands)
      facts.push_back(operand == Chain::kMissing   ? Fact()
                      : operand == Chain::kRunning ? at.out(0)
                                                   : at.in(static_cast<size_t>(operand)));
    names.push_back(link.op->name());
    const auto fits = [&](size_t i) { return facts[i].shape() == shape; };
    if (const auto kernel = unary_kernel(*link.op, facts)) {
      if (!fits(0)) return Lowering::reference();
      cost += unary_cost(kernel->kind);
      links.emplace_back(UnaryLink{*kernel, link.operands[0]});
      continue;
    }
    const auto kind = binary_kernel(*link.op);
    if (!kind || facts.size() != 2) return Lowering::reference();
    TRY(const auto dims, broadcast(facts));
    if (Fact(DType::kF32, dims).shape() != shape) return Lowering::reference();
    cost += binary_cost(*kind);
    links.emplace_back(BinaryLink{BinaryLoop(at.kernels, *kind, shape, *facts[0].shape(), *facts[1].shape()),
                                  link.operands[0], link.operands[1]});
  }
  const Kernels* kernels = &at.kernels;
  Step step = element_step(
      "chain_f32", join(names, " > "), shape.elements(), cost,
      [kernels, links = std::move(links)](const StepBuffers& buffers, Range elements) {
        float* y = buffers.out<float>(0);
        const auto operand = [&](int64_t i) -> const float* {
          return i == Chain::kRunning ? y : buffers.in<float>(static_cast<size_t>(i));
        };
        for (size_t begin = elements.begin; begin < elements.end; begin += kBlockElements) {
          const Range block{begin, std::min(begin + kBlockElements, elements.end)};
          for (const Link& link : links) {
            if (const auto* one = std::get_if<UnaryLink>(&link)) {
              kernels->unary(one->kernel.kind, operand(one->x), y, one->kernel.a, one->kernel.b, block);
            } else {
              const auto& two = std::get<BinaryLink>(link);
              two.loop.run(operand(two.a), operand(two.b), y, block);
            }
          }
        }
      });
  step.in_place_inputs = in_place_inputs(op, at);
  return step;
}

}  // namespace pochade

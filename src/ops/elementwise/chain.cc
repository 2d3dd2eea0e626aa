#include "ops/elementwise/chain.h"

namespace pochade {
namespace {

/// Calls f(link, its operands) for each link; f gives the link's result, which the next one reads.
template <typename T, typename F>
Result<T> follow(const Chain& chain, std::span<const T> in, F&& f) {
  if (chain.links.empty()) return Error::invalid_model("a chain without links");
  T running{};
  for (size_t i = 0; i < chain.links.size(); ++i) {
    std::vector<T> operands;
    for (const int64_t operand : chain.links[i].operands) {
      if (operand >= static_cast<int64_t>(in.size()) || operand < Chain::kMissing ||
          (operand == Chain::kRunning && i == 0))
        return Error::invalid_model("link {} reads operand {}", i, operand);
      if (operand == Chain::kMissing)
        operands.emplace_back();
      else
        operands.push_back(operand == Chain::kRunning ? running : in[static_cast<size_t>(operand)]);
    }
    TRY(auto results, f(*chain.links[i].op, operands).context("link {} ({})", i, chain.links[i].op->name()));
    if (results.size() != 1)
      return Error::invalid_model("link {} has {} results, expected 1", i, results.size());
    running = std::move(results[0]);
  }
  return running;
}

}  // namespace

Result<Facts> Chain::infer(std::span<const Fact> in) const {
  TRY(Fact out,
      follow<Fact>(*this, in, [](const Op& op, const Facts& operands) { return op.infer(operands); }));
  return Facts{std::move(out)};
}

Result<Tensors> Chain::eval(std::span<const Tensor> in) const {
  TRY(Tensor out,
      follow<Tensor>(*this, in, [](const Op& op, const Tensors& operands) { return op.eval(operands); }));
  return Tensors{std::move(out)};
}

Cost Chain::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  Cost total{0, bytes_of(in) + bytes_of(out)};  // what lies between stays in the nearest cache
  const auto macs = follow<Fact>(*this, in, [&](const Op& op, const Facts& operands) -> Result<Facts> {
    TRY(Facts results, op.infer(operands));
    total.macs += op.cost(operands, results).macs;
    return results;
  });
  return macs ? total : Cost{};
}

}  // namespace pochade

#pragma once

#include "graph/op.h"
#include "ops/phases.h"

namespace pochade {

/// Elementwise operators one after the other, so that memory is read and written once: ours, made by the pass
/// fuse_elementwise. Each link reads the running value and inputs of the chain; every link's result has the
/// chain's output shape.
struct Chain final : OpOf<Chain> {
  static constexpr std::string_view kName = "Chain";
  static constexpr int kRunning = -1;  ///< in Link::operands: the result of the link before

  struct Link {
    OpPtr op;
    std::vector<int64_t> operands;  ///< for each input of op: kRunning, an input of the chain, or kMissing
  };
  static constexpr int kMissing = -2;
  std::vector<Link> links;

  static void fields(auto& self, auto&& f) {
    for (const Link& link : self.links) {
      f.op("link", *link.op);
      f("operands", link.operands);
    }
  }
  Result<Facts> infer(std::span<const Fact> in) const override;
  Result<Tensors> eval(std::span<const Tensor> in) const override;
  Cost cost(std::span<const Fact> in, std::span<const Fact> out) const override;
  bool elementwise() const override { return true; }
};

/// Whether a float operator with these inputs can be a link: it has a kernel of one or two operands.
bool can_be_link(const Op& op, std::span<const Fact> in);

Result<Step> lower(const Chain& op, const Lowering& at);

}  // namespace pochade

#include "passes/activated.h"

#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/instance_normalization.h"

namespace pochade {
namespace {

/// Calls f with the operator as its own type if it has the field `act`.
template <typename F>
bool visit_activated(const Op& op, F&& f) {
  const auto as = [&]<typename D>() {
    const D* found = op_as<D>(op);
    if (found != nullptr) f(*found);
    return found != nullptr;
  };
  return as.template operator()<Conv>() || as.template operator()<ConvTranspose>() ||
         as.template operator()<Gemm>() || as.template operator()<BatchNormalization>() ||
         as.template operator()<InstanceNormalization>();
}

}  // namespace

std::optional<Activation> activation_of(const Op& op) {
  std::optional<Activation> out;
  visit_activated(op, [&](const auto& found) { out = found.act; });
  return out;
}

OpPtr with_activation(const Op& op, const Activation& act) {
  OpPtr out;
  visit_activated(op, [&](auto copy) {
    copy.act = act;
    out = make_op(std::move(copy));
  });
  CHECK(out != nullptr);
  return out;
}

}  // namespace pochade

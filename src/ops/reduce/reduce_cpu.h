#pragma once

#include "ops/reduce/reduce.h"
#include "ops/reduce/scan.h"
#include "plan/step.h"

namespace pochade {

/// Float reductions over axes that are, after joining, one run of axes anywhere or two runs around what
/// stays.
Step lower_reduce(ReduceKind kind, const ReduceFields& fields, std::string_view name, const Lowering& at);
template <typename K>
Result<Step> lower(const ReduceOp<K>& op, const Lowering& at) {
  return lower_reduce(K::kKind, op, K::kName, at);
}

Step lower_arg(const ArgFields& fields, bool largest, const Lowering& at);
template <typename K>
Result<Step> lower(const ArgOp<K>& op, const Lowering& at) {
  return lower_arg(op, K::kLargest, at);
}

}  // namespace pochade

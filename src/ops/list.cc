#include "ops/list.h"

#include <unordered_map>

namespace pochade {
namespace {

using LowerFunction = Result<Step> (*)(const Op&, const Lowering&);

struct Entry {
  std::string_view name;
  LowerFunction lower;
};

/// D's folder declares `Result<Step> lower(const D&, const Lowering&)` beside the operator.
template <typename D>
constexpr Entry entry() {
  return {D::kName, [](const Op& op, const Lowering& at) { return lower(static_cast<const D&>(op), at); }};
}

// One line an operator, one paragraph a folder.
constexpr std::array<Entry, 0> kEntries = {
    // elementwise/

    // reduce/

    // shape/

    // index/

    // matrix/

    // conv/

    // pool/

    // norm/

    // resize/

    // quant/

    // recurrent/

    // detect/
};

}  // namespace

Result<Step> lower_op(const Op& op, const Lowering& at) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, LowerFunction> map;
    for (const Entry& e : kEntries) map.emplace(e.name, e.lower);
    return map;
  }();
  const auto found = by_name.find(op.name());
  return found == by_name.end() ? Lowering::reference() : found->second(op, at);
}

}  // namespace pochade

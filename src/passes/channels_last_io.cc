#include "passes/channels_last_io.h"

#include "ops/shape/transpose.h"

namespace pochade {
namespace {

OpPtr transpose(std::vector<int64_t> perm) {
  return make_op<Transpose>([&](Transpose& op) { op.perm = std::move(perm); });
}

Status expect_rank_4(const Fact& fact, std::string_view name) {
  if (fact.dims && fact.rank() == 4) return {};
  return Error::invalid_argument("\"{}\" is {}, expected rank 4", name, fact);
}

}  // namespace

Result<Retype> channels_last_io(const Graph& graph, std::span<const std::string> inputs,
                                std::span<const std::string> outputs) {
  Retype retype(graph);
  for (const ValueId v : graph.inputs()) {
    const std::string& name = graph.value(v).name;
    if (std::find(inputs.begin(), inputs.end(), name) == inputs.end()) continue;
    const Fact& old_fact = graph.fact(v);
    TRY(expect_rank_4(old_fact, name));
    const Dims& d = *old_fact.dims;
    TRY(retype.retype_input(name, Fact(*old_fact.dtype, Dims{d[0], d[2], d[3], d[1]})));
    const ValueId first = retype.node(name + ":channels_first", transpose({0, 3, 1, 2}), {v});
    retype.declare(v);
    retype.redirect(v, first);  // this also catches the new node itself
    retype.set_inputs(retype.graph().value(first).producer, {v});
  }
  for (const GraphOutput& o : graph.outputs()) {
    if (std::find(outputs.begin(), outputs.end(), o.name) == outputs.end()) continue;
    TRY(expect_rank_4(graph.fact(o.value), o.name));
    ValueId source = kNone;  // redirects above may have moved it
    for (const GraphOutput& now : retype.graph().outputs())
      if (now.name == o.name) source = now.value;
    TRY(retype.retype_output(o.name,
                             retype.node(o.name + ":channels_last", transpose({0, 2, 3, 1}), {source})));
  }
  return retype;
}

}  // namespace pochade

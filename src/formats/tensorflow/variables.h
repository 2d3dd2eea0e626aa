#pragma once

#include <functional>
#include <map>

#include "formats/tensorflow/bundle.h"
#include "graph/graph.h"

namespace pochade::tensorflow {

/// The variables of a SavedModel: which key of the checkpoint each is restored from stands in the model's own
/// graph, in what it runs to restore itself.
class Variables {
 public:
  Variables(const GraphRecord& record, std::function<Result<Bundle>()> open_bundle);

  /// The value as a constant of the graph. `variable`: the name of its node.
  Result<ValueId> read(std::string_view variable, Graph& graph);

 private:
  Result<std::string> key_of(std::string_view variable) const;

  const GraphRecord& record_;
  std::function<Result<Bundle>()> open_bundle_;
  std::optional<Bundle> bundle_;
  std::map<std::string_view, std::string> keys_;  ///< of variables' nodes
  std::map<std::string_view, ValueId> values_;
};

}  // namespace pochade::tensorflow

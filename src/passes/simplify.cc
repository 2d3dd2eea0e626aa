#include "passes/simplify.h"

#include "passes/pipeline.h"

namespace pochade {

Result<Graph> simplify(Graph graph) {
  PassOptions options;
  options.half_to_float = false;  // half weights are the model's own choice
  return optimise(std::move(graph), options);
}

}  // namespace pochade

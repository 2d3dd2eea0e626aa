#pragma once
// The C session: what pochade_load_* make and all other functions take.

#include <functional>
#include <string>
#include <vector>

#include "api/pochade.h"
#include "engine/session.h"

struct pochade_session {
  pochade::Session session;
  std::vector<std::string> input_names, output_names;  // stable addresses for pochade_tensor_info
  std::vector<std::optional<pochade::Shape>> shapes;
  std::vector<pochade::TensorView> inputs;
  pochade::Tensors outputs;
};

namespace pochade {

/// Runs `work` and turns its error, or whatever it throws, into a status and this thread's last error.
pochade_status guarded(const std::function<Status()>& work);

/// A session of an imported graph. `options` may be null.
Result<pochade_session*> open_session(Graph graph, const pochade_options* options);

}  // namespace pochade

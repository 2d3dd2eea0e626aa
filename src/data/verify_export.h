#pragma once
// Whether a written model computes what its original does.

#include <filesystem>

#include "data/verify.h"

namespace pochade {

struct ExportVerdict {
  Verdict verdict;  ///< beside the original with the integers of the written format: the writer's own faults
  /// If the format rounds integers in another way than the original: what that makes of the outputs.
  std::optional<Verdict> rounding;
  double layer_steps = 0;  ///< and of one layer, at most, in steps of its integers
};

/// `path` names the format; `written` is what lies in the file. Errors: as verify_models(), or it cannot be
/// read.
Result<ExportVerdict> verify_export(const Graph& original, const Graph& written,
                                    const std::filesystem::path& path, const VerifyOptions& options);

/// Whether two models part because the format of `b`, a file called `path`, rounds integers in another way
/// than `a`, and for no other reason: computed with that rounding a's outputs are b's within the tolerance.
/// False for formats that are not written.
Result<bool> differ_by_rounding_alone(const Graph& a, const Graph& b, const std::filesystem::path& path,
                                      const VerifyOptions& options);

}  // namespace pochade

#include "data/verify_export.h"

#include "formats/export.h"

namespace pochade {

Result<ExportVerdict> verify_export(const Graph& original, const Graph& written,
                                    const std::filesystem::path& path, const VerifyOptions& options) {
  ExportVerdict out;
  TRY(const std::optional<Graph> rounded, as_computed_by(original, path));
  TRY(out.verdict, verify_models(rounded ? *rounded : original, written, options));
  if (rounded && out.verdict.same) {
    TRY(out.rounding, verify_models(original, written, options));
  }
  return out;
}

}  // namespace pochade

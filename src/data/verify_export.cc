#include "data/verify_export.h"

#include "data/layer_steps.h"
#include "formats/export.h"

namespace pochade {

Result<ExportVerdict> verify_export(const Graph& original, const Graph& written,
                                    const std::filesystem::path& path, const VerifyOptions& options) {
  ExportVerdict out;
  TRY(const std::optional<Graph> rounded, as_computed_by(original, path));
  TRY(out.verdict, verify_models(rounded ? *rounded : original, written, options));
  if (rounded && out.verdict.same) {
    TRY(out.rounding, verify_models(original, written, options));
    // One of the two is TFLite's, whose operators on integers are one node each.
    const bool is_onnx = path.extension() == ".onnx";
    TRY(out.layer_steps, largest_layer_steps(is_onnx ? original : *rounded, Rounding::kOnnx, options));
  }
  return out;
}

Result<bool> differ_by_rounding_alone(const Graph& a, const Graph& b, const std::filesystem::path& path,
                                      const VerifyOptions& options) {
  if (!check_export_path(path)) return false;
  TRY(const std::optional<Graph> rounded, as_computed_by(a, path));
  if (!rounded) return false;
  TRY(const Verdict verdict, verify_models(*rounded, b, options));
  return verdict.same;
}

}  // namespace pochade

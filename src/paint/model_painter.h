#pragma once
// A Painter that runs a model file through the engine.

#include <filesystem>
#include <functional>

#include "data/decide.h"
#include "engine/session.h"
#include "paint/paint.h"

namespace pochade {

class ModelPainter final : public Painter {
 public:
  /// Reads the model and checks that it maps one picture to one picture: f32 (or f16), rank 4, 3 channels
  /// first or last. A fixed size is freed where the graph allows it; why_fixed() says what forbids it.
  static Result<std::unique_ptr<ModelPainter>> open(const std::filesystem::path& model,
                                                    const SessionOptions& options);

  std::optional<PictureSize> fixed_size() override { return fixed_; }
  Result<PictureSize> painting_size(PictureSize photo) override;
  int64_t predicted_bytes(PictureSize photo) override;
  Result<Tensor> paint(const Tensor& photo) override;

  const ModelHints& hints() const { return hints_; }
  /// Empty unless fixed_size() has a value.
  const std::string& why_fixed() const { return why_fixed_; }
  /// Warnings of the import, one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }
  Session& session() { return session_; }

 private:
  explicit ModelPainter(Session session) : session_(std::move(session)) {}
  Session session_;
  ModelHints hints_;
  std::optional<PictureSize> fixed_;
  std::string why_fixed_;
  std::vector<std::string> warnings_;
};

}  // namespace pochade

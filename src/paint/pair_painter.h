#pragma once
// Any painting as the style: one network sees it, another paints like it (Ghiasi et al. 2017,
// arXiv:1705.06830).

#include <filesystem>

#include "engine/session.h"
#include "media/image.h"
#include "paint/paint.h"

namespace pochade {

/// The predict network makes a vector of a painting (1xHxWx3 of 0..1 in, one vector out); the transfer
/// network takes a photo and the vector, and gives a painting. Both have RGB of 0..1 on either side.
class PairPainter final : public Painter {
 public:
  /// Looks at `painting` once. Errors: networks of other shapes, named with their inputs.
  static Result<std::unique_ptr<PairPainter>> open(const std::filesystem::path& predict,
                                                   const std::filesystem::path& transfer,
                                                   const Image& painting, const SessionOptions& options);

  std::optional<PictureSize> fixed_size() override { return fixed_; }
  Result<PictureSize> painting_size(PictureSize photo) override;
  int64_t predicted_bytes(PictureSize photo) override;
  Result<Tensor> paint(const Tensor& photo) override;

  Session& session() { return transfer_; }
  const Tensor& style() const { return style_; }

 private:
  explicit PairPainter(Session transfer) : transfer_(std::move(transfer)) {}
  /// Inputs of the transfer network in its own order.
  std::vector<Shape> shapes(PictureSize photo) const;

  Session transfer_;
  size_t picture_input_ = 0;
  Tensor style_;
  std::optional<PictureSize> fixed_;
};

}  // namespace pochade

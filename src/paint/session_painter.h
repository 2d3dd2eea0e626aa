#pragma once
// The engine as a Painter.

#include "engine/session.h"
#include "graph/graph.h"
#include "paint/decide.h"
#include "paint/paint.h"

namespace pochade {

/// What a graph's file says of pictures.
ModelHints hints_of(const Graph& graph);

/// Paints with a network of one picture in (1,3,H,W or 1,H,W,3; float or uint8) and a picture as its first
/// output.
class SessionPainter final : public Painter {
 public:
  /// Error: the network's inputs or outputs are no pictures.
  static Result<SessionPainter> create(Graph graph, const SessionOptions& options);

  std::optional<PictureSize> fixed_size() override;
  Result<PictureSize> painting_size(PictureSize photo) override;
  Result<Tensor> paint(const Tensor& photo) override;

  /// For progress, profiles and figures.
  Session& session() { return session_; }

 private:
  SessionPainter(Session session, bool channels_first, DType dtype)
      : session_(std::move(session)), channels_first_(channels_first), dtype_(dtype) {}
  Shape input_shape(PictureSize photo) const;

  Session session_;
  bool channels_first_;
  DType dtype_;
};

}  // namespace pochade

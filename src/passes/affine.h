#pragma once
// y = x * scale + shift by channel, and how it becomes part of the convolution or product before or after it.

#include "graph/edit.h"
#include "passes/match.h"

namespace pochade {

/// One node that multiplies and shifts each channel (the last axis).
struct Affine {
  NodeId node = kNone;
  ValueId x = kNone;
  std::vector<double> scale, shift;  ///< one a channel
};

/// Conv, ConvTranspose or Gemm whose weights and bias are float32 constants, one bias an output channel.
struct Linear {
  NodeId node = kNone;
  OpPtr op;
  Tensor weights;
  std::vector<double> bias;  ///< one an output channel, 0 without a bias; of Gemm beta * c
};

/// The linear operator at a node; empty if it is none or if its weights are not known.
std::optional<Linear> linear_at(const Finder& find, NodeId node);

/// Folds affine nodes of one graph into one rewrite. A node that was changed is left alone afterwards: the
/// next run of the pass sees it as it then is.
class AffineFolder {
 public:
  AffineFolder(Rewrite& rewrite, const Finder& find) : rewrite_(rewrite), find_(find) {}

  /// Puts `affine` into the linear operator that alone feeds it. False if there is none, or if it does not
  /// fit. Results differ by rounding alone.
  bool into_producer(const Affine& affine);
  /// Puts `affine` into the linear operator that alone reads it, where the border of the picture allows it:
  /// zero padding takes a scale but no shift.
  bool into_user(const Affine& affine);

 private:
  void set_weights(const Linear& linear, ValueId x, Tensor weights, const std::vector<double>& bias);

  Rewrite& rewrite_;
  const Finder& find_;
  std::set<NodeId> changed_;
};

}  // namespace pochade

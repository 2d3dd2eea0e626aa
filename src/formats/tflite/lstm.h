#pragma once
// The LSTM of TFLite, which is that of Sak et al. 2014 (arXiv:1402.1128) with layer normalisation.

#include <array>

#include "formats/tflite/scope.h"

namespace pochade::tflite {

/// In TFLite's order of gates: input, forget, cell, output. kNone: left out.
struct LstmWeights {
  std::array<ValueId, 4> w{kNone, kNone, kNone, kNone};  ///< H,I; without w[0] the input gate is 1 - forget
  std::array<ValueId, 4> r{kNone, kNone, kNone, kNone};  ///< H,O
  std::array<ValueId, 4> b{kNone, kNone, kNone, kNone};  ///< H
  std::array<ValueId, 4> norm{kNone, kNone, kNone, kNone};  ///< H: factors of the layer normalisation
  std::array<ValueId, 3> p{kNone, kNone, kNone};  ///< H: what input, forget and output see of the cell
  ValueId projection = kNone;                     ///< O,H; without it O = H
  ValueId projection_bias = kNone;                ///< O
};

struct LstmOptions {
  Activation act;                            ///< of the new cell, and of the cell that is shown
  float cell_clip = 0, projection_clip = 0;  ///< 0: not at all
  bool time_major = false;
  bool reverse = false;
};

struct LstmResult {
  ValueId y = kNone, h = kNone, c = kNone;  ///< N,T,O (T,N,O if time_major); N,O; N,H
};

/// Far more than any known network has: a damaged file must not make a vector of its size.
constexpr int64_t kMostHidden = 65536;

/// x: N,T,I (T,N,I if time_major)   h: N,O   c: N,H
Result<LstmResult> add_lstm(NodeScope& node, ValueId x, const LstmWeights& weights,
                            const LstmOptions& options, ValueId h, ValueId c);

}  // namespace pochade::tflite

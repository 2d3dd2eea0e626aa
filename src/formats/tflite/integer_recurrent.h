#pragma once
// LSTM and SVDF of integers: 8-bit activations with a 16-bit state.

#include "formats/tflite/lstm.h"

namespace pochade::tflite {

/// Reads weights, states and intermediate scales by TFLite's numbers, and writes the states back.
/// x: int8 N,T,I (T,N,I if time_major). Gives y: int8 N,T,O (T,N,O).
Result<ValueId> add_integer_lstm(NodeScope& node, ValueId x, const LstmOptions& options);

/// x: int8 N,I. Sets the output.
Status integer_svdf(NodeScope& node, ValueId x, int64_t rank, const Activation& act);

}  // namespace pochade::tflite

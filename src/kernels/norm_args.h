#pragma once
// Normalisations, softmax and reductions.

#include "kernels/common.h"

namespace pochade {

/// Mean and variance of each channel over rows (pixels) of x [rows, channels]: instance norm (rows = H*W of
/// one image) and batch norm in training. Three calls:
///   1. channel_stats(args, Range of blocks): each block's mean and sum of squared deviations, into
///   `partials`;
///   2. channel_stats_finish(args, mean, variance): merges the blocks in order (Chan et al. 1983), one
///   thread;
///   3. norm_coefficients(...), then scale_shift(...), or give scale and shift to the next convolution.
struct ChannelStatsArgs {
  const float* x;
  size_t rows;
  size_t channels;
  size_t ld;        ///< floats between rows, >= channels
  float* partials;  ///< [channel_stats_blocks(rows, channels), 2, channels]
};

/// y[row,c] = activation(x[row,c] * scale[c] + shift[c] + residual[row,c])
struct ScaleShiftArgs {
  const float* x;
  const float* scale;     ///< [channels]
  const float* shift;     ///< [channels]
  const float* residual;  ///< like x, or null
  float* y;
  size_t rows;
  size_t channels;
  Activation activation;
};

/// y[row,:] = (x[row,:] - mean) / sqrt(variance + epsilon) * gamma + beta with mean and variance of the row.
/// Layer norm. With `rms` nothing is subtracted and the mean square stands for the variance.
struct RowNormArgs {
  const float* x;
  const float* gamma;  ///< [columns], or null: 1
  const float* beta;   ///< [columns], or null: 0
  float* y;
  size_t rows, columns;
  float epsilon;
  bool rms = false;
  float* mean = nullptr;               ///< [rows] written if not null
  float* inverse_deviation = nullptr;  ///< [rows] written if not null
};

enum class Reduction : uint8_t { kSum, kMean, kMax, kMin, kSumOfSquares, kSumOfAbs, kProduct };

struct ReduceArgs {
  const float* x;  ///< [rows, columns], dense
  float* y;
  size_t rows, columns;
};

}  // namespace pochade

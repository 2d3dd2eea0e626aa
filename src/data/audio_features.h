#pragma once
// Sound becomes the features that keyword and anomaly networks take.

#include <span>

#include "data/task_card.h"
#include "graph/graph.h"
#include "media/wav.h"

namespace pochade {

/// Samples that `front_end.frames` frames need.
int64_t samples_needed(const AudioFrontEnd& front_end);

/// f32 frames x coefficients (kMfcc) or frames x mel_bins. `samples` have the front end's rate; fewer than
/// needed are followed by silence, more are not looked at.
///  kMfcc: as TensorFlow's tf.signal: samples (divided by their largest value if `peak`), periodic Hann
///  window, FFT of
///    the next power of two, magnitudes, bands of the HTK mel scale, ln(x + 1e-6), DCT-II / sqrt(2 mel_bins).
///  kLogMel: as librosa's melspectrogram without padding: power, Slaney's mel scale and normalization,
///    10 log10(x + 2.2e-16).
///  kMicro: the integers of TFLite Micro's front end (micro_front_end.h) / 25.6.
Result<Tensor> audio_features(std::span<const float> samples, const AudioFrontEnd& front_end);

/// The features as an input of this Fact takes them: its shape must have as many elements. Integers are
/// quantized; those of kMicro become round(integer * 256 / 666) - 128, as TFLite Micro's example does,
/// whatever the scale.
Result<Tensor> enter_sound(std::span<const float> samples, const AudioFrontEnd& front_end, const Fact& input);

}  // namespace pochade

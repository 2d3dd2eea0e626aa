#pragma once
// What a network hears.

#include "data/audio_features.h"
#include "tasks/network.h"

namespace pochade {

/// One stretch of sound, as long as the network hears at once.
struct Heard {
  double start_seconds = 0;
  double seconds = 0;
  std::vector<float> scores;  ///< a keyword network's outputs
  double anomaly = 0;         ///< an autoencoder's mean squared error
};

/// How sound enters: the card's [audio]; a network that reads WAV files itself (uint8 of any length) needs
/// none. Error: neither.
Status expect_sound(const Network& network);

/// Hears the whole sound, in stretches that overlap by half if it is longer than one (an anomaly network's by
/// all but one frame); at most `most` of them if that is not 0. What is left at the end and longer than one
/// frame gets a stretch of its own, which ends with the sound. Sound of another rate is resampled. Errors: no
/// [audio] in the card, an input that it does not fit.
Result<std::vector<Heard>> listen(Network& network, const Sound& sound, size_t most = 0);

/// Whether the network gives back what it is given, and the difference is the result.
bool is_anomaly_network(const Network& network);

}  // namespace pochade

// The audio front end of TensorFlow's speech examples.

#include "formats/tensorflow/rows.h"
#include "ops/signal/audio_spectrogram.h"
#include "ops/signal/decode_wav.h"
#include "ops/signal/mfcc.h"

namespace pochade::tensorflow {
namespace {

Status decode_wav(NodeScope& node) {
  DecodeWav op;
  TRY(op.channels, node.integer("desired_channels", -1));
  TRY(op.samples, node.integer("desired_samples", -1));
  TRY(const Item contents, node.item(0));
  if (contents.kind != Item::Kind::kBytes)
    return Error::not_supported("its contents are no input of the model");
  return node.emit(op, {contents.value});
}

Status audio_spectrogram(NodeScope& node) {
  AudioSpectrogram op;
  TRY(op.window, node.integer("window_size"));
  TRY(op.stride, node.integer("stride"));
  TRY(op.squared, node.flag("magnitude_squared", false));
  return node.emit(op);
}

Status mfcc(NodeScope& node) {
  Mfcc op;
  TRY(op.upper_hertz, node.number("upper_frequency_limit", 4000.0f));
  TRY(op.lower_hertz, node.number("lower_frequency_limit", 20.0f));
  TRY(op.bands, node.integer("filterbank_channel_count", 40));
  TRY(op.coefficients, node.integer("dct_coefficient_count", 13));
  return node.emit(op);
}

constexpr Row kAudioRows[] = {
    {"AudioSpectrogram", audio_spectrogram},
    {"DecodeWav", decode_wav, "audio sample_rate"},
    {"Mfcc", mfcc},
};

}  // namespace

std::span<const Row> audio_rows() {
  return kAudioRows;
}

}  // namespace pochade::tensorflow

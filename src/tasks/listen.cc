#include "tasks/listen.h"

#include <algorithm>

#include "data/integer_meaning.h"

namespace pochade {
namespace {

/// The network decodes WAV files itself: a list of bytes whose length is open.
bool reads_files(const Network& network) {
  if (network.graph().inputs().size() != 1) return false;
  const Fact& fact = network.graph().fact(network.graph().inputs()[0]);
  return fact.dtype == DType::kU8 && fact.dims && fact.rank() == 1 && !fact.dim(0).is_number();
}

Result<Heard> hear_file(Network& network, const Sound& sound) {
  const std::string file = wav_bytes(sound);
  const auto size = static_cast<int64_t>(file.size());
  TRY(const auto outputs,
      network.run(Tensor::view(DType::kU8, {size}, reinterpret_cast<const std::byte*>(file.data()))));
  return Heard{0, sound.seconds(), to_floats(outputs[0].values), 0};
}

double mean_squared_error(const Tensor& a, const Tensor& b) {
  const auto x = a.data<float>(), y = b.data<float>();
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
  return x.empty() ? 0 : sum / static_cast<double>(x.size());
}

}  // namespace

bool is_anomaly_network(const Network& network) {
  return network.task().kind == TaskKind::kAnomaly;
}

Status expect_sound(const Network& network) {
  if (reads_files(network) || network.task().audio) return {};
  return Status(Error::invalid_argument("nothing says how sound enters this network"))
      .hint("Give a card with a section [audio]: --preprocess FILE.toml, or MODEL.toml beside the model.");
}

Result<std::vector<Heard>> listen(Network& network, const Sound& sound, size_t most) {
  TRY(expect_sound(network));
  std::vector<Heard> out;
  if (reads_files(network)) {
    const int64_t rate = network.task().audio ? network.task().audio->rate : 16000;
    TRY(const Sound fitting, resampled(sound, rate));
    TRY(Heard heard, hear_file(network, fitting));
    out.push_back(std::move(heard));
    return out;
  }
  const AudioFrontEnd& how = *network.task().audio;
  TRY(const Sound fitting, resampled(sound, how.rate));
  const bool anomaly = is_anomaly_network(network);
  const auto stretch = static_cast<size_t>(samples_needed(how));
  const size_t step = anomaly ? static_cast<size_t>(how.stride) : stretch / 2;
  Fact input = network.graph().fact(network.graph().inputs()[0]);
  input.quantization = quantization_of(network.graph(), network.graph().inputs()[0]);
  const auto seconds = [&](size_t samples) {
    return static_cast<double>(samples) / static_cast<double>(how.rate);
  };
  const std::span<const float> samples = fitting.samples;
  std::vector<size_t> starts{0};
  for (size_t at = step; at + stretch <= samples.size(); at += step) starts.push_back(at);
  if (starts.back() + stretch + static_cast<size_t>(how.window) < samples.size())
    starts.push_back(samples.size() - stretch);
  for (const size_t at : starts) {
    if (most > 0 && out.size() == most) break;
    const auto part = samples.subspan(at, std::min(stretch, samples.size() - at));
    TRY(const Tensor entered, enter_sound(part, how, input));
    TRY(const auto outputs, network.run(entered));
    Heard heard{seconds(at), seconds(stretch), {}, 0};
    if (anomaly) {
      TRY(const Tensor given, dequantized(entered, input.quantization.get()));
      if (given.elements() != outputs[0].values.elements())
        return Error::not_supported("output \"{}\" is {}, expected as many values as the input has",
                                    outputs[0].name, outputs[0].values.shape());
      heard.anomaly = mean_squared_error(given, outputs[0].values);
    } else {
      heard.scores = to_floats(outputs[0].values);
    }
    out.push_back(std::move(heard));
  }
  return out;
}

}  // namespace pochade

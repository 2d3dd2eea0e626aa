#include "tasks/agreement.h"

#include <algorithm>

#include "data/audio_features.h"
#include "data/dataset.h"
#include "data/integer_meaning.h"
#include "tasks/listen.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

/// The files of a folder without labels come as samples too.
Status each_sample(const fs::path& data, LabelledSet::Kind kind,
                   const std::function<Status(int64_t, const Sample&)>& visit) {
  auto set = LabelledSet::open(data, kind);
  if (set) return set->each([&](const Sample& sample) { return visit(set->size(), sample); });
  const auto files = files_in(data, kind);
  if (files.empty()) return tl::unexpected<Error>(std::move(set).error());
  for (const fs::path& file : files)
    TRY(visit(static_cast<int64_t>(files.size()),
              Sample{.name = file.string(), .file = file, .record = {}, .label = 0}));
  return {};
}

/// The sample as the network's input takes it.
Result<Tensor> enter_sample(const Network& network, const Network& card_of, const Sample& sample) {
  if (!card_of.task().audio) {
    TRY(const Image picture, sample_picture(sample));
    TRY(PlacedPicture placed, network.enter(picture, Fit::kCrop));
    return std::move(placed.tensor);
  }
  const AudioFrontEnd& how = *card_of.task().audio;
  TRY(const Sound sound, read_wav(sample.file));
  TRY(const Sound fitting, resampled(sound, how.rate));
  const ValueId id = network.graph().inputs()[0];
  Fact input = network.graph().fact(id);
  input.quantization = quantization_of(network.graph(), id);
  return enter_sound(fitting.samples, how, input);
}

/// B's place of each of A's outputs.
Result<std::vector<size_t>> places_in(const Graph& a, const Graph& b) {
  if (a.outputs().size() != b.outputs().size())
    return Error::invalid_argument("one model has {} outputs, the other {}", a.outputs().size(),
                                   b.outputs().size());
  std::vector<size_t> out;
  for (size_t i = 0; i < a.outputs().size(); ++i) {
    const auto found = std::ranges::find(b.outputs(), a.outputs()[i].name, &GraphOutput::name);
    out.push_back(found == b.outputs().end() ? i : static_cast<size_t>(found - b.outputs().begin()));
  }
  return out;
}

size_t largest(const Tensor& values) {
  const auto best = top_scores(values.data<float>(), 1);
  return best.empty() ? 0 : best[0];
}

}  // namespace

Result<Agreement> agreement_on(Network& a, Network& b, const fs::path& data, int64_t limit,
                               const std::function<bool(int64_t, int64_t)>& progress) {
  TRY(const std::vector<size_t> places, places_in(a.graph(), b.graph()));
  const bool sounds = a.task().audio.has_value();
  if (!sounds) {
    TRY(a.picture_input());
    TRY(b.picture_input());
  }
  Agreement out;
  std::string reason;  // of the first broken sample
  int64_t seen = 0;
  const auto visit = [&](int64_t size, const Sample& sample) -> Status {
    const int64_t wanted = limit > 0 ? std::min(limit, size) : size, at = seen++;
    if (at > 0 && at * wanted / size == (at - 1) * wanted / size) return {};  // evenly spread
    const auto ta = enter_sample(a, a, sample), tb = enter_sample(b, a, sample);
    if (!ta || !tb) {
      if (out.broken++ == 0) reason = format("{}: {}", sample.name, (ta ? tb : ta).error().text());
      return {};
    }
    TRY(const auto ra, a.run(*ta));
    TRY(const auto rb, b.run(*tb));
    out.same_top1 += largest(ra[0].values) == largest(rb[places[0]].values);
    for (size_t i = 0; i < ra.size(); ++i) {
      Difference d = compare(ra[i].name, ra[i].values, rb[places[i]].values);
      out.n == 0 ? out.worst.push_back(std::move(d)) : keep_worst(out.worst[i], d);
    }
    ++out.n;
    if (progress && !progress(out.n + out.broken, wanted))
      return Error::make(ErrorCode::kCancelled, "stopped after {} of {} samples", out.n, wanted);
    return {};
  };
  TRY(each_sample(data, sounds ? LabelledSet::Kind::kSounds : LabelledSet::Kind::kPictures, visit));
  if (out.n == 0)
    return Error::invalid_argument("{}: none of {} samples could be used; {}", data, out.broken, reason);
  return out;
}

}  // namespace pochade

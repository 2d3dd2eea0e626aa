#include "tasks/evaluate.h"

#include <algorithm>

#include "media/decode.h"
#include "tasks/detect.h"
#include "tasks/listen.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTaskNames[] = {"classify", "detect", "segment", "keyword", "restore"};

/// Which of the samples are taken, and what is said on the way.
class Run {
 public:
  Run(const EvaluationOptions& options, int64_t size, Evaluation& out)
      : options_(options), size_(size), out_(out) {
    wanted_ = options.limit > 0 ? std::min(options.limit, size) : size;
  }

  /// `one` for every sample that is taken; its faults are counted if they are the sample's.
  template <typename Load, typename Use>
  Status sample(const std::string& name, Load&& load, Use&& use) {
    const int64_t at = seen_++;
    // Sample k is taken when k * wanted / size steps up: evenly spread, the same ones every time.
    if (at * wanted_ / size_ == (at - 1) * wanted_ / size_ && at > 0) return {};
    auto loaded = load();
    if (loaded) {
      TRY(use(*loaded, static_cast<size_t>(done_)).context("{}", name));
    } else {
      ++out_.broken;
      if (out_.broken_names.size() < 10)
        out_.broken_names.push_back(format("{}: {}", name, loaded.error().text()));
    }
    ++done_;
    if (options_.progress && !options_.progress(done_, wanted_))
      return Error::make(ErrorCode::kCancelled, "stopped after {} of {} samples", done_, wanted_);
    return {};
  }

 private:
  const EvaluationOptions& options_;
  int64_t size_, wanted_ = 0, seen_ = 0, done_ = 0;
  Evaluation& out_;
};

/// Scores against labels, of pictures or sounds.
template <typename Load, typename Scores>
Status evaluate_labels(const LabelledSet& set, Network& network, Run& run, Evaluation& out, Load&& load,
                       Scores&& scores_of) {
  out.layout = set.layout_text();
  out.class_names = set.classes();
  out.output_names = network.labels();
  return set.each([&](const Sample& sample) -> Status {
    return run.sample(
        sample.name, [&] { return load(sample); },
        [&](const auto& loaded, size_t index) -> Status {
          TRY(const std::vector<float> scores, scores_of(loaded));
          if (out.class_outputs.empty()) {
            out.output_count = scores.size();
            TRY(out.class_outputs,
                outputs_of_classes(set.classes(), set.has_indexes(), network.labels(), out.output_count));
          }
          const size_t truth = out.class_outputs[sample.label];
          out.classification.add(truth, scores);
          out.folds[index % out.folds.size()].add(truth, scores);
          return {};
        });
  });
}

Status evaluate_pictures(Network& network, const fs::path& data, const EvaluationOptions& options,
                         Evaluation& out) {
  TRY(network.picture_input());
  TRY(const LabelledSet set, LabelledSet::open(data, LabelledSet::Kind::kPictures));
  Run run(options, set.size(), out);
  return evaluate_labels(set, network, run, out, sample_picture,
                         [&](const Image& picture) -> Result<std::vector<float>> {
                           TRY(const Tensor scores, classify_scores(network, picture));
                           return to_floats(scores);
                         });
}

Status evaluate_sounds(Network& network, const fs::path& data, const EvaluationOptions& options,
                       Evaluation& out) {
  TRY(expect_sound(network));
  TRY(const LabelledSet set, LabelledSet::open(data, LabelledSet::Kind::kSounds));
  Run run(options, set.size(), out);
  return evaluate_labels(
      set, network, run, out, [](const Sample& sample) { return read_wav(sample.file); },
      [&](const Sound& sound) -> Result<std::vector<float>> {
        TRY(auto heard, listen(network, sound, 1));
        return std::move(heard[0].scores);
      });
}

/// The data set's class of each of the network's labels, by name; without labels by order. A label of no
/// class gets a number behind them, so that it is never right.
std::vector<size_t> places_of_labels(const std::vector<std::string>& classes,
                                     const std::vector<std::string>& labels) {
  std::vector<size_t> out;
  if (labels.empty()) {  // by order
    for (size_t i = 0; i < classes.size(); ++i) out.push_back(i);
    return out;
  }
  for (const std::string& label : labels) {
    size_t place = classes.size() + out.size();  // of no class
    for (size_t i = 0; i < classes.size(); ++i)
      if (plain_label(classes[i]) == plain_label(label)) place = i;
    out.push_back(place);
  }
  return out;
}

Status evaluate_boxes(Network& network, const fs::path& data, const EvaluationOptions& options,
                      Evaluation& out) {
  TRY(network.picture_input());
  TRY(const BoxSet set, BoxSet::open(data));
  out.layout = "PASCAL VOC boxes";
  out.class_names = set.classes();
  out.output_names = network.labels();
  const std::vector<size_t> place = places_of_labels(out.class_names, out.output_names);
  Run run(options, set.size(), out);
  return set.each([&](const BoxSample& sample) -> Status {
    return run.sample(
        sample.picture.string(), [&] { return read_image(sample.picture); },
        [&](const DecodedImage& decoded, size_t) -> Status {
          // All boxes that there are: a threshold would cut the curve of precision and recall short.
          constexpr double kLeast = 0.01;
          TRY(const auto detections, detect(network, decoded.image, kLeast));
          std::vector<ScoredBox> found;
          for (const Detection& d : detections)
            found.push_back(
                {d.box, d.label < place.size() ? place[d.label] : place.size() + d.label, d.score});
          std::vector<TrueBox> truth;
          for (const auto& object : sample.annotation.objects) {
            const auto at = std::ranges::lower_bound(out.class_names, object.name) - out.class_names.begin();
            truth.push_back({object.box, static_cast<size_t>(at), object.difficult});
          }
          out.detection.add(found, truth);
          return {};
        });
  });
}

struct PicturePair {
  Image first, second;
};
Result<PicturePair> read_pair(const fs::path& first, const fs::path& second) {
  TRY(DecodedImage a, read_image(first));
  TRY(DecodedImage b, read_image(second));
  return PicturePair{std::move(a.image), std::move(b.image)};
}

struct MaskedPicture {
  Image picture;
  std::vector<uint8_t> classes;  ///< of each pixel
};
Result<MaskedPicture> read_masked(const fs::path& picture, const fs::path& mask) {
  TRY(PicturePair pair, read_pair(picture, mask));
  const Image &first = pair.first, &second = pair.second;
  if (first.width() != second.width() || first.height() != second.height())
    return Error::invalid_argument("{}: a mask of {}x{} for a picture of {}x{}", mask, second.width(),
                                   second.height(), first.width(), first.height());
  TRY(std::vector<uint8_t> classes, mask_classes(second).context("{}", mask));
  return MaskedPicture{std::move(pair.first), std::move(classes)};
}

Status evaluate_masks(Network& network, const fs::path& data, const EvaluationOptions& options,
                      Evaluation& out) {
  TRY(network.picture_input());
  TRY(const MaskSet set, MaskSet::open(data));
  out.layout = "PASCAL VOC masks";
  out.output_names = network.labels();
  Run run(options, set.size(), out);
  return set.each([&](const fs::path& picture, const fs::path& mask) -> Status {
    return run.sample(
        picture.string(), [&] { return read_masked(picture, mask); },
        [&](const MaskedPicture& sample, size_t) -> Status {
          TRY(const Mask found, segment(network, sample.picture));
          return out.segmentation.add(found.classes, sample.classes);
        });
  });
}

/// input/NAME and target/NAME: the network's picture of the first against the second.
Status evaluate_restored(Network& network, const fs::path& data, const EvaluationOptions& options,
                         Evaluation& out) {
  TRY(PictureInput input, network.picture_input());
  const auto files = files_in(data / "input", LabelledSet::Kind::kPictures);
  if (files.empty())
    return Error::not_found(
        "{}: no data set: expected pictures of the same names in the folders input and target", data);
  out.layout = "input and target";
  Run run(options, static_cast<int64_t>(files.size()), out);
  for (const fs::path& file : files)
    TRY(run.sample(
        file.string(), [&] { return read_pair(file, data / "target" / file.filename()); },
        [&](const PicturePair& pair, size_t) -> Status {
          TRY(const PlacedPicture placed, network.enter(pair.first, Fit::kStretch));
          TRY(const auto outputs, network.run(placed.tensor));
          TRY(const Image restored,
              picture_of_output(outputs[0].values, network.preprocess().output, input.channels_first));
          TRY(const double psnr, psnr_db(restored, pair.second));
          TRY(const double similarity, ssim(restored, pair.second));
          out.psnr_db_sum += std::min(psnr, 100.0);  // equal pictures would make every mean infinite
          out.ssim_sum += similarity;
          ++out.restored;
          return {};
        }));
  return {};
}

}  // namespace

std::optional<EvaluationTask> evaluation_task(std::string_view name) {
  const auto at = std::ranges::find(kTaskNames, name);
  if (at == std::end(kTaskNames)) return std::nullopt;
  return static_cast<EvaluationTask>(at - std::begin(kTaskNames));
}

Result<Tensor> classify_scores(Network& network, const Image& picture) {
  TRY(const PlacedPicture placed, network.enter(picture, Fit::kCrop));
  TRY(const auto outputs, network.run(placed.tensor));
  if (outputs.empty() || outputs[0].values.elements() == 0)
    return Error::not_supported("the model gives no scores");
  const Shape& shape = outputs[0].values.shape();
  if (std::ranges::count_if(shape, [](int64_t size) { return size > 1; }) > 1)
    return Error::not_supported("output \"{}\" is {}, expected one list of scores", outputs[0].name, shape);
  return outputs[0].values;
}

Result<Evaluation> evaluate(Network& network, const std::filesystem::path& data, EvaluationTask task,
                            const EvaluationOptions& options) {
  Evaluation out;
  out.task = task;
  out.folds.resize(static_cast<size_t>(std::max(options.folds, 1)));
  const auto run = [&]() -> Status {
    switch (task) {
      case EvaluationTask::kClassify:
        return evaluate_pictures(network, data, options, out);
      case EvaluationTask::kDetect:
        return evaluate_boxes(network, data, options, out);
      case EvaluationTask::kSegment:
        return evaluate_masks(network, data, options, out);
      case EvaluationTask::kKeyword:
        return evaluate_sounds(network, data, options, out);
      case EvaluationTask::kRestore:
        break;
    }
    return evaluate_restored(network, data, options, out);
  };
  TRY(run());
  return out;
}

}  // namespace pochade

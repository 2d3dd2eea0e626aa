#pragma once
// How well a model does its task on a data set.

#include <functional>

#include "data/dataset.h"
#include "tasks/network.h"

namespace pochade {

enum class EvaluationTask { kClassify, kDetect, kSegment, kKeyword, kRestore };
std::optional<EvaluationTask> evaluation_task(std::string_view name);
constexpr std::string_view kEvaluationTasks = "classify, detect, segment, keyword, restore";

struct EvaluationOptions {
  int folds = 1;      ///< samples are dealt in turn to so many folds, which are reported one by one
  int64_t limit = 0;  ///< at most so many samples, spread evenly; 0: all
  /// Called after each sample with (done, all); false ends the run.
  std::function<bool(int64_t, int64_t)> progress;
};

struct Evaluation {
  EvaluationTask task = EvaluationTask::kClassify;
  std::string layout;                     ///< how the data set is laid out
  std::vector<std::string> class_names;   ///< of the data set
  std::vector<size_t> class_outputs;      ///< classify and keyword: the output of each class
  std::vector<std::string> output_names;  ///< of the model, if it has labels
  size_t output_count = 0;

  Classification classification;  ///< classify, keyword
  std::vector<Classification> folds;
  AveragePrecision detection;  ///< detect; labels are places in class_names
  MeanIou segmentation;        ///< segment
  double psnr_db_sum = 0, ssim_sum = 0;
  int64_t restored = 0;  ///< restore: pictures in the two sums

  int64_t broken = 0;                     ///< samples that could not be read
  std::vector<std::string> broken_names;  ///< the first ten, with the reason
};

/// Evaluates. A sample that cannot be read is counted and named, and does not end the run; a model that
/// cannot do the task does. Memory does not grow with the number of samples. Errors: no data set there,
/// classes that the model has no output for, an input that takes no picture or sound, kCancelled by
/// `progress`.
Result<Evaluation> evaluate(Network& network, const std::filesystem::path& data, EvaluationTask task,
                            const EvaluationOptions& options);

/// The scores of a model that classifies: its first output, of which at most one size is above 1. Error: it
/// is no list (but a picture, boxes, ...).
Result<Tensor> classify_scores(Network& network, const Image& picture);

}  // namespace pochade

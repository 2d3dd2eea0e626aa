#pragma once
// A model file, ready for the work around it: what it takes, what its numbers mean.

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "data/decide.h"
#include "data/picture_input.h"
#include "engine/session.h"

namespace pochade {

/// One output in real numbers.
struct NetworkOutput {
  std::string name;
  Tensor values;  ///< f32
};

class Network {
 public:
  /// Imports, decides how pictures enter (flags, card beside the model, metadata, guess) and makes a session.
  static Result<Network> open(const std::filesystem::path& model, const PreprocessFlags& flags,
                              const SessionOptions& options);

  const Preprocess& preprocess() const { return decision_.preprocess; }
  const TaskCard& task() const { return decision_.task; }
  /// Where each decision comes from, one sentence each.
  const std::vector<std::string>& reasons() const { return decision_.reasons; }
  /// Labels of the outputs: what set_labels said, else the card's, else the model file's own, else none.
  const std::vector<std::string>& labels() const { return labels_; }
  void set_labels(std::vector<std::string> labels) { labels_ = std::move(labels); }
  /// Warnings of the import, one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }

  Session& session() { return session_; }
  const Graph& graph() const { return session_.graph(); }

  /// The first input as one for pictures. Error: it is none.
  Result<PictureInput> picture_input() const;
  /// The picture as the input takes it.
  Result<PlacedPicture> enter(const Image& picture, Fit fit) const;
  /// Runs on one tensor. Error: the model has several inputs.
  Result<std::vector<NetworkOutput>> run(const Tensor& input);

 private:
  explicit Network(Session session) : session_(std::move(session)) {}
  Session session_;
  PreprocessDecision decision_;
  std::vector<std::string> labels_;
  std::vector<std::string> warnings_;
};

/// Labels that a model file carries itself (TFLite metadata: the text of a label file under "labels:OUTPUT").
std::vector<std::string> labels_of(const Graph& graph);

/// "great_white_shark" and "Great white shark, white shark" say the same: lower case, '_' is a space, what
/// follows a comma is left out.
std::string plain_label(std::string_view label);

/// Scores as probabilities: as they are if all lie in 0..1, else their softmax.
std::vector<float> probabilities(std::span<const float> scores);

/// Labels for so many outputs: if they are one fewer than the outputs, the first output is the background.
std::vector<std::string> labels_for(std::span<const std::string> labels, size_t outputs);

/// The output index of each of a data set's classes: by name if every class has a label of that name; else by
/// index, and one up if there is one output more than classes (indexes of ImageNet: 1001 outputs), since the
/// first one then means background.
/// Error: a class that has no output.
Result<std::vector<size_t>> outputs_of_classes(std::span<const std::string> classes, bool has_indexes,
                                               std::span<const std::string> labels, size_t outputs);

}  // namespace pochade

#pragma once
// Decides how a picture enters and leaves a network, from whatever says so first.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/preprocess.h"
#include "data/task_card.h"
#include "graph/graph.h"

namespace pochade {

/// What the user says on the command line.
struct PreprocessFlags {
  std::optional<std::string> preprocess;  ///< a preset's name or a card's path
  std::optional<std::string> channels;    ///< rgb or bgr, for both ends
};

/// What the model file says.
struct ModelHints {
  std::map<std::string, std::string> metadata;  ///< ONNX metadata_props
  std::vector<std::string> input_names = {};    ///< as in keys such as "normalization:NAME" of the metadata
  std::vector<std::string> input_docs;          ///< documentation strings of the inputs
  std::vector<std::string> output_docs;
  std::string model_doc;
};

/// The hints of an imported model.
ModelHints hints_of(const Graph& graph);

struct PreprocessDecision {
  Preprocess preprocess;
  TaskCard task;                     ///< of the card that was named, else of the card beside the model
  std::vector<std::string> reasons;  ///< one sentence a decision: what, and from where
};

/// In this order: flags, the card beside the model, the model's metadata (Image.BitmapPixelFormat,
/// Image.NominalPixelRange of the ONNX metadata specification; the normalization of TFLite's metadata), its
/// documentation strings, and else RGB 0..255. Errors: an unknown preset or channel order, a card that cannot
/// be read.
Result<PreprocessDecision> decide_preprocess(const PreprocessFlags& flags,
                                             const std::optional<std::filesystem::path>& card,
                                             const ModelHints& hints);

}  // namespace pochade

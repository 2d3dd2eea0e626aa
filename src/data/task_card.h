#pragma once
// What a card says of the task around a network: its labels, how boxes are read, how sound enters.
//
//   [task]
//   kind      = "detect"              # classify, detect, pose, segment, keyword, anomaly
//   labels    = "labels.txt"          # a file beside the card, one label a line; or ["no", "yes"]
//   threshold = 0.6                   # least score that counts
//
//   [detect]
//   decoder      = "anchors"          # "boxes": finished boxes; "anchors": offsets to anchors;
//                                     # "postprocess": boxes, classes, scores and their count, as
//                                     # TFLite_Detection_PostProcess gives them
//   order        = "xyxy"             # of a box's four numbers: xyxy, yxyx, xywh, yxhw (centre and size)
//   pixels       = false              # "boxes": in pixels of the network's input, not 0..1
//   boxes        = 0                  # which output has the boxes, which the scores; not said: by shapes
//   scores       = 1
//   activation   = "none"             # none, sigmoid, softmax: what makes scores of the numbers
//   background   = 0                  # class that means nothing is there; -1: none
//   nms          = 0.3                # overlap (intersection over union) above which the lesser box goes
//   most         = 100                # boxes kept
//   strides      = [8, 16]            # "anchors": pixels from one cell to the next, a grid each
//   anchors      = [[10, 16], [32]]   # of each grid: sides in pixels of the input, or [width, height]
//   even_cells   = false              # true: a grid's cells share the input evenly, whatever the stride
//   center_scale = 0.1                # centre = anchor's centre + number * center_scale * anchor's side
//   size_scale   = 0.2                # side = anchor's side * exp(number * size_scale)
//   exponential  = true               # false: side = anchor's side * number * size_scale
//   keypoints    = ["eye", "nose"]    # pairs after the box, as its centre
//
//   [audio]
//   front_end = "mfcc"                # mfcc, log_mel, micro
//   rate         = 16000              # samples a second
//   window       = 640                # samples of a frame
//   stride       = 320                # samples from one frame to the next
//   frames       = 49                 # that the network sees at once
//   mel_bins     = 40
//   coefficients = 10                 # mfcc
//   low_hz       = 20
//   high_hz      = 4000
//   peak         = false              # true: divide the samples by the largest of them

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pochade {

enum class TaskKind { kClassify, kDetect, kPose, kSegment, kKeyword, kAnomaly };
std::string_view to_string(TaskKind kind);

enum class BoxOrder { kXyxy, kYxyx, kXywh, kYxhw };
enum class ScoreActivation { kPlain, kSigmoid, kSoftmax };

struct AnchorGrid {
  int64_t stride = 0;                        ///< pixels
  std::vector<std::array<double, 2>> sides;  ///< width, height in pixels of the network's input
};

struct DetectCard {
  enum class Decoder { kBoxes, kAnchors, kPostprocess };
  Decoder decoder = Decoder::kBoxes;
  BoxOrder order = BoxOrder::kXyxy;
  bool pixels = false;
  int64_t boxes_output = -1;  ///< -1: told by its shape
  int64_t scores_output = -1;
  ScoreActivation activation = ScoreActivation::kPlain;
  int64_t background = 0;  ///< -1: none
  double nms = 0.45;
  int64_t most = 100;
  std::vector<AnchorGrid> grids;
  bool even_cells = false;
  double center_scale = 0.1;
  double size_scale = 0.2;
  bool exponential = true;
  std::vector<std::string> keypoints;
};

/// How sound becomes features.
struct AudioFrontEnd {
  enum class Kind {
    kMfcc,    ///< magnitude, mel, log(x + 1e-6), DCT-II: coefficients 0 to `coefficients` - 1
    kLogMel,  ///< power, mel (Slaney), 10 log10(x + 2.2e-16); `frames` neighbours a window
    kMicro,   ///< the fixed-point front end of TFLite Micro, scaled to int8
  };
  Kind kind = Kind::kMfcc;
  int64_t rate = 16000;  ///< samples a second
  int64_t window = 480;  ///< samples
  int64_t stride = 320;  ///< samples
  int64_t frames = 49;
  int64_t mel_bins = 40;
  int64_t coefficients = 10;
  double low_hz = 20;
  double high_hz = 4000;
  bool peak = false;  ///< samples are divided by the largest of them
};

struct TaskCard {
  std::optional<TaskKind> kind;
  std::vector<std::string> labels;
  std::optional<double> threshold;
  std::optional<DetectCard> detect;
  std::optional<AudioFrontEnd> audio;
};

/// The labels of a text file, one a line; "3 cat", "3: cat" and "3,cat" lose their number if every line has
/// its own. Errors: not readable, not text, over 100,000 lines.
Result<std::vector<std::string>> read_labels(const std::filesystem::path& path);
Result<std::vector<std::string>> parse_labels(std::string_view text);

}  // namespace pochade

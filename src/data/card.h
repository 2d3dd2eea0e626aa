#pragma once
// The card of a network: a TOML file that says how a picture or a sound enters it, and what its results mean.
//
//   title = "first_style"            # title, painting, license, trained, author, source, notes: for people
//   [input]
//   channels   = "rgb"               # or "bgr"
//   range      = [0.0, 1.0]          # what black and white become; [0, 255] if not said
//   mean       = [0.5, 0.5, 0.5]     # then subtracted: a number, or three in the order of `channels`
//   scale      = 2.0                 # then multiplied: a number, or three
//   multiple   = 4                   # height and width must be multiples of this
//   pad        = 32                  # pixels reflected around the photo and cut from the painting
//   noise_std  = 0.05                # Gaussian, added after scaling
//   noise_seed = 1
//   fit        = "crop"              # crop, stretch, pad: how a picture gets the network's size
//   keep       = 0.875               # part of the shorter side that "crop" keeps
//   size       = [224, 224]          # height, width, of a network that takes many
//   [output]                         # channels, range, mean, scale; what is not said is as in [input]
//   channels = "rgb"
//   [task], [detect], [audio]: see data/task_card.h

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "data/preprocess.h"
#include "data/task_card.h"

namespace pochade {

struct Card {
  Preprocess preprocess;
  TaskCard task;
};

/// Strict: an unknown key, a wrong type or a value out of range is an error that names `name`, the line and
/// the key. Files that the card names (labels) are looked for in `folder`.
Result<Card> parse_card(std::string_view text, std::string_view name,
                        const std::filesystem::path& folder = {});

/// parse_card of a file of at most 1 MB.
Result<Card> read_card(const std::filesystem::path& path);

/// candy.toml beside candy.onnx, if there is such a file.
std::optional<std::filesystem::path> card_beside(const std::filesystem::path& model);

}  // namespace pochade

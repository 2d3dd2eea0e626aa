#pragma once

#include <span>

#include "formats/keras/reader/output.h"

namespace pochade::keras {

/// Writes all string attributes and all datasets of an HDF5 file, but an optimizer's state, as records whose
/// names are paths ("model_weights/conv1/kernel:0", "model_weights/conv1@weight_names", "@model_config").
/// Refused: links to other files, data that lies in other files, filters that are no part of the library,
/// and datasets that unpack to much more than the file holds. No file is opened.
Status read_hdf5(std::span<const std::byte> file, Output& output);

}  // namespace pochade::keras

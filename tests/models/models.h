#pragma once
// The models and pictures of ../shared/data, which whole-model tests read.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "formats/formats.h"

namespace pochade {

/// shared/data beside the sources, or an empty path.
inline std::filesystem::path shared_data() {
  const std::filesystem::path folder =
      std::filesystem::path(POCHADE_SOURCE_FOLDER) / ".." / "shared" / "data";
  return std::filesystem::exists(folder) ? folder : std::filesystem::path();
}

/// Skips a test without the data; where everything must be here (CI=true) that is a failure.
#define NEED_SHARED_DATA()                                                                       \
  do {                                                                                           \
    if (!shared_data().empty()) break;                                                           \
    const char* ci = std::getenv("CI");                                                          \
    if (ci != nullptr && std::string_view(ci) == "true") FAIL() << "../shared/data is not here"; \
    GTEST_SKIP() << "../shared/data is not here";                                                \
  } while (false)

/// A model of shared/data/models; the test has failed if it cannot be read.
inline Graph read_model(const std::string& name) {
  auto graph = import_model(shared_data() / "models" / name);
  EXPECT_TRUE(graph) << graph.error().text();
  return graph ? *std::move(graph) : Graph();
}

}  // namespace pochade

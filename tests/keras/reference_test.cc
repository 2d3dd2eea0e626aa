// Small models that Keras 2 and 3 wrote, and what they computed: tests/references/keras, recorded by
// tools/record_keras_references.py. These go through the reader program.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "engine/session.h"
#include "formats/formats.h"
#include "formats/keras/import.h"
#include "formats/npy.h"
#include "graph/evaluate.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(POCHADE_SOURCE_DIR) / "tests" / "references" / "keras";

std::vector<std::string> models() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(kFolder))
    if (entry.path().extension() != ".npy" && !entry.path().stem().string().starts_with("bad_"))
      out.push_back(entry.path().filename().string());
  std::ranges::sort(out);
  return out;
}

/// Builds without libhdf5 have no reader program; where everything must be here (CI=true) that is a failure.
bool has_reader() {
  const auto graph = import_model(kFolder / "keras2_merges.h5");
  return graph ||
         (graph.error().code() != ErrorCode::kNotFound && graph.error().code() != ErrorCode::kNotSupported);
}
#define NEED_READER()                                                                                    \
  do {                                                                                                   \
    if (has_reader()) break;                                                                             \
    const char* ci = std::getenv("CI");                                                                  \
    if (ci != nullptr && std::string_view(ci) == "true") FAIL() << "pochade-keras-reader was not built"; \
    GTEST_SKIP() << "pochade-keras-reader was not built";                                                \
  } while (false)

/// The model's inputs, cut from one flat list.
Tensors inputs_from(const Graph& graph, const Tensor& flat, int64_t batch) {
  Tensors out;
  int64_t at = 0;
  for (const ValueId id : graph.inputs()) {
    Shape shape{batch};
    const Fact& fact = graph.fact(id);
    for (int axis = 1; axis < fact.rank(); ++axis) shape.push_back(fact.dim(axis).number());
    Tensor tensor = Tensor::make(DType::kF32, shape).value();
    std::copy_n(flat.data<float>().begin() + at, tensor.elements(), tensor.mutable_data<float>().begin());
    at += tensor.elements();
    out.push_back(tensor.cast(*fact.dtype).value());
  }
  EXPECT_EQ(at, flat.elements());
  return out;
}

void expect_close(const Tensors& outputs, const Tensor& expected, const std::string& how) {
  int64_t at = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<float> own = to_floats(outputs[i]);
    ASSERT_LE(at + static_cast<int64_t>(own.size()), expected.elements()) << how;
    double error = 0, peak = 0;
    for (const float value : own) {
      const float other = expected.data<float>()[static_cast<size_t>(at++)];
      error += (value - other) * (value - other);
      peak = std::max(peak, std::abs(static_cast<double>(other)));
    }
    const double psnr =
        10 * std::log10(peak * peak * static_cast<double>(own.size()) / std::max(error, 1e-30));
    EXPECT_GT(psnr, 110) << how << ", output " << i;
  }
  EXPECT_EQ(at, expected.elements()) << how;
}

class KerasReference : public testing::TestWithParam<std::string> {};

TEST_P(KerasReference, ComputesWhatKerasDoes) {
  NEED_READER();
  const std::string stem = fs::path(GetParam()).stem().string();
  const Tensor x = read_npy(kFolder / (stem + "_x.npy")).value();
  const Tensor y = read_npy(kFolder / (stem + "_y.npy")).value();
  auto graph = import_model(kFolder / GetParam());
  ASSERT_TRUE(graph) << graph.error().text();
  const Tensors inputs = inputs_from(*graph, x, 2);
  const auto oracle = evaluate(*graph, inputs);
  ASSERT_TRUE(oracle) << oracle.error().text();
  expect_close(*oracle, y, "the oracles");
  Session session = Session::create(*std::move(graph), SessionOptions()).value();
  const auto outputs = session.run(inputs);
  ASSERT_TRUE(outputs) << outputs.error().text();
  expect_close(*outputs, y, "the engine");
}

INSTANTIATE_TEST_SUITE_P(Keras, KerasReference, testing::ValuesIn(models()), [](const auto& model) {
  std::string name = model.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

std::string error_of(const std::string& file) {
  const auto graph = import_model(kFolder / file);
  return graph ? "no error" : graph.error().text();
}

TEST(KerasReader, RefusesWhatWouldLeadElsewhereOrWithoutEnd) {
  NEED_READER();
  EXPECT_NE(error_of("bad_bomb.keras").find("config.json unpacks to 104857600 bytes"), std::string::npos)
      << error_of("bad_bomb.keras");
  EXPECT_NE(error_of("bad_huge.h5").find("says that it has 1099511627776 bytes, and holds 0"),
            std::string::npos)
      << error_of("bad_huge.h5");
  EXPECT_NE(error_of("bad_external.h5").find("lies in another file"), std::string::npos)
      << error_of("bad_external.h5");
  EXPECT_NE(error_of("bad_link.h5").find("is a link to another file"), std::string::npos)
      << error_of("bad_link.h5");
  EXPECT_NE(error_of("bad_loop.h5").find("is a group that holds itself"), std::string::npos)
      << error_of("bad_loop.h5");
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A damaged file is an error or, where the damage hits a weight, a model; never a crash of ours.
TEST(KerasReader, DamagedFilesAreErrors) {
  NEED_READER();
  for (const char* name : {"keras2_merges.h5", "keras3_words.keras"}) {
    const std::string whole = contents(kFolder / name);
    ASSERT_TRUE(import_model(Bytes::copy_of(whole))) << name;
    for (size_t part = 1; part < 8; ++part) {
      const auto graph =
          import_model(Bytes::copy_of(std::string_view(whole).substr(0, whole.size() * part / 8)));
      ASSERT_FALSE(graph) << name << ", " << part << " eighths of it";
      EXPECT_FALSE(graph.error().text().empty());
    }
    for (size_t at = 8; at < whole.size(); at += whole.size() / 24) {
      std::string damaged = whole;
      for (size_t i = 0; i < 16 && at + i < damaged.size(); ++i)
        damaged[at + i] = static_cast<char>(~damaged[at + i]);
      const auto graph = import_model(Bytes::copy_of(damaged));
      EXPECT_TRUE(graph || !graph.error().text().empty());
    }
  }
}

class Environment {
 public:
  explicit Environment(const std::string& program) { setenv("POCHADE_KERAS_READER", program.c_str(), 1); }
  ~Environment() { unsetenv("POCHADE_KERAS_READER"); }
};

TEST(KerasReader, ProgramsThatMisbehaveAreErrors) {
  const fs::path file = kFolder / "keras2_merges.h5";
  const auto error_with = [&](const std::string& program) {
    const Environment environment(program);
    const auto graph = import_model(file);
    return graph ? "no error" : graph.error().text();
  };
  EXPECT_NE(error_with("/nowhere").find("POCHADE_KERAS_READER is /nowhere, which is no program"),
            std::string::npos);
  EXPECT_NE(error_with("/bin/true").find("what was read of it ends"), std::string::npos)
      << error_with("/bin/true");
  EXPECT_NE(error_with("/bin/false").find("ended with status 1"), std::string::npos)
      << error_with("/bin/false");
  EXPECT_NE(error_with("/bin/cat").find("the reader program is not ours"), std::string::npos)
      << error_with("/bin/cat");
  const fs::path script = fs::path(testing::TempDir()) / "pochade_keras_reader_that_crashes";
  std::ofstream(script) << "#!/bin/sh\nkill -SEGV $$\n";
  fs::permissions(script, fs::perms::owner_all);
  EXPECT_NE(
      error_with(script.string()).find("the HDF5 library failed on it (signal 11): the file is damaged"),
      std::string::npos)
      << error_with(script.string());
  fs::remove(script);
}

}  // namespace
}  // namespace pochade

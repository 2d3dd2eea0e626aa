// Every model of ../shared/data/models: read, run, and written as ONNX and as TFLite, each file read again
// and run beside its original; or refused, with the reason and the way around it. docs/models.md shows the
// same as a table.

#include <algorithm>
#include <cmath>

#include "data/verify_export.h"
#include "formats/ends.h"
#include "formats/export.h"
#include "passes/specialise.h"
#include "tests/models/models.h"

namespace pochade {
namespace {

/// One conversion. `refusal` empty: it works; else a part of the error.
struct Conversion {
  const char* refusal = "";
  /// What the error names as the nearest way, which works: "--shape NAME=SIZES", "--from NAME" or "--states
  /// ends".
  const char* way = "";
};
struct Model {
  const char* name;
  Conversion onnx, tflite;
  /// What ONNX's rounding of integers makes of the outputs, in steps of their integers. A layer on the same
  /// inputs is a step apart at most; what follows has finer scales, and random noise is nothing that these
  /// networks are sure of.
  double onnx_steps = 0;
};
void PrintTo(const Model& model, std::ostream* out) {
  *out << model.name;
}

constexpr Conversion kWorks;
constexpr Conversion kCandySize = {"The model's sizes are open", "--shape inputImage=1x3x720x720"};

const Model kModels[] = {
    {"audio/arm_kws_pb/DS_CNN_S.pb",
     {"(DecodeWav): ONNX has no such operator", "--from Mfcc"},
     {"(DecodeWav): TFLite has no builtin operator", "--from Mfcc"}},
    {"audio/micro_speech_q.tflite", kWorks, kWorks},
    {"audio/mlperf_ad01.h5", kWorks, kWorks},
    {"audio/mlperf_ad01_f.tflite", kWorks, kWorks},
    {"audio/mlperf_ad01_q.tflite", kWorks, kWorks},
    {"audio/mlperf_kws_f.tflite", kWorks, kWorks},
    {"audio/mlperf_kws_q.tflite", kWorks, kWorks, 4},
    {"audio/mlperf_kws_savedmodel", kWorks, kWorks},
    {"classify/fer2013_mini_XCEPTION.102-0.66.hdf5", kWorks, kWorks},
    {"classify/mbnet128_0.25.h5", kWorks, kWorks},
    {"classify/mbnet128_0.25_f.tflite", kWorks, kWorks},
    {"classify/mbnet128_0.25_q.tflite", kWorks, kWorks, 2},
    {"classify/mlperf_resnet8_cifar10.h5", kWorks, kWorks},
    {"classify/mlperf_resnet8_cifar10_f.tflite", kWorks, kWorks},
    {"classify/mlperf_resnet8_cifar10_q.tflite", kWorks, kWorks},
    {"classify/mlperf_vww_96.h5", kWorks, kWorks},
    {"classify/mlperf_vww_96_f.tflite", kWorks, kWorks},
    {"classify/mnist.onnx", kWorks, kWorks},
    {"classify/mobilenet_v1_0.75_192_quant.tflite", kWorks, kWorks, 2},
    {"classify/mobilenet_v2_1.0_224_quant.tflite", kWorks, kWorks, 4},
    {"classify/person_detect_int8.tflite", kWorks, kWorks},
    {"classify/squeezenet_v1.1_fp16.onnx", kWorks, kWorks},
    {"classify/tf2_mobilenet_v2_1.0_224_ptq.tflite", kWorks, kWorks, 10},
    {"detect/blazeface_full_range_sparse.tflite", kWorks, kWorks},
    {"detect/blazeface_short_range.tflite", kWorks, kWorks},
    {"detect/movenet_single_pose_lightning_ptq.tflite", kWorks, kWorks, 45},
    {"detect/version-RFB-320.onnx", kWorks, kWorks},
    {"detect/version-RFB-320_without_postprocessing.tflite", kWorks, kWorks},
    {"paint/FSRCNN-small_x2.pb", kWorks, kWorks},
    {"paint/FSRCNN_x2.pb", kWorks, kWorks},
    {"paint/candy.onnx", kWorks, kCandySize},
    {"paint/first_style.onnx", kWorks, {"The model's sizes are open", "--shape photo=1x3x256x256"}},
    {"paint/magenta_style_predict_int8.tflite", kWorks, kWorks, 2},
    {"paint/magenta_style_transfer_int8.tflite", kWorks, kWorks, 126},
    {"paint/mosaic.onnx", kWorks, kCandySize},
    {"paint/starry_night_256x256_025.h5", kWorks, kWorks},
    {"paint/starry_night_640x480_025.tflite", kWorks, kWorks},
    {"paint/starry_night_640x480_025_optimized.pb",
     kWorks,
     {"The model's sizes are open", "--shape input_1=1x256x256x3"}},
    {"segment/deeplabv3_mnv2_dm05_pascal_quant.tflite", kWorks, kWorks},
    {"sequence/hello_world_sine_f.tflite", kWorks, kWorks},
    {"sequence/hello_world_sine_q.tflite", kWorks, kWorks},
    {"sequence/mnist_lstm_f.tflite", {"from one run to the next", "--states ends"}, kWorks},
};

/// Everything under shared/data/models that is a model, the weights without a network (.pth) excepted.
std::vector<std::string> files() {
  std::vector<std::string> out;
  const auto folder = shared_data() / "models";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const auto path = std::filesystem::relative(entry.path(), folder);
    const std::string extension = path.extension();
    const bool is_model = extension == ".onnx" || extension == ".tflite" || extension == ".pb" ||
                          extension == ".h5" || extension == ".hdf5" || extension == ".keras";
    if (path.filename() == "saved_model.pb")
      out.push_back(path.parent_path());
    else if (is_model)
      out.push_back(path);
  }
  std::ranges::sort(out);
  return out;
}

TEST(MatrixOfModels, IsComplete) {
  NEED_SHARED_DATA();
  std::vector<std::string> named;
  for (const Model& model : kModels) named.emplace_back(model.name);
  std::ranges::sort(named);
  EXPECT_EQ(named, files());
}

/// The graph as the nearest way makes it.
Result<Graph> by_way(const Graph& graph, const std::string& way) {
  const std::string value = way.substr(way.find(' ') + 1);
  if (way.starts_with("--from")) return from_value(graph, value);
  if (way.starts_with("--states")) return states_as_ends(graph);
  const size_t equals = value.find('=');
  Shape shape;
  for (const char* text = value.c_str() + equals; *text != 0;) {
    char* end = nullptr;
    shape.push_back(std::strtoll(text + 1, &end, 10));
    text = end;
  }
  return specialise(graph, {{value.substr(0, equals), shape}});
}

class Matrix : public testing::TestWithParam<Model> {
 protected:
  /// Writes, reads and compares on one random input, as `convert` does.
  static void expect_written(const Graph& graph, const std::string& extension, double most_steps) {
    const auto path = std::filesystem::path(testing::TempDir()) / ("matrix." + extension);
    auto file = FileWriter::create(path);
    ASSERT_TRUE(file) << file.error().text();
    const auto summary = export_model(graph, path, {}, *file);
    ASSERT_TRUE(summary) << summary.error().text();
    const auto bytes = map_file(file->temporary_path());
    ASSERT_TRUE(bytes) << bytes.error().text();
    const auto again = import_model(*bytes);
    ASSERT_TRUE(again) << again.error().text();
    VerifyOptions options;
    options.samples = 1;
    options.open_size = 64;
    const auto verdict = verify_export(graph, *again, path, options);
    ASSERT_TRUE(verdict) << verdict.error().text();
    for (const Difference& d : verdict->verdict.outputs)
      EXPECT_TRUE(d.mismatch.empty() && d.max_relative <= options.tolerance)
          << d.name << ": " << d.max_relative;
    EXPECT_TRUE(verdict->verdict.same);
    double steps = 0;
    if (verdict->rounding)
      for (const Difference& d : verdict->rounding->outputs)
        steps = std::max(steps, d.step > 0 ? std::round(d.steps() * 1000) / 1000 : d.max_relative);
    EXPECT_LE(verdict->layer_steps, 1);
    EXPECT_LE(steps, most_steps) << "ONNX rounds integers in another way, but not so much";
    EXPECT_GE(steps, 0.5 * most_steps) << "it has become better: say so here";
  }

  static void expect_conversion(const Graph& graph, const std::string& extension, const Conversion& wanted,
                                double most_steps) {
    SCOPED_TRACE(extension);
    if (*wanted.refusal == 0) return expect_written(graph, extension, most_steps);
    const auto refused = plan_export(graph, "x." + extension, {});
    ASSERT_FALSE(refused) << "it can be written now: say so here and in docs/models.md";
    EXPECT_EQ(refused.error().code(), ErrorCode::kNotSupported);
    const std::string text = refused.error().text();
    EXPECT_NE(text.find(wanted.refusal), std::string::npos) << text;
    EXPECT_NE(text.find(wanted.way), std::string::npos) << text;
    const auto other = by_way(graph, wanted.way);
    ASSERT_TRUE(other) << other.error().text();
    expect_written(*other, extension, most_steps);
  }
};

TEST_P(Matrix, IsReadRunAndWritten) {
  NEED_SHARED_DATA();
  const Graph graph = read_model(GetParam().name);
  ASSERT_FALSE(graph.outputs().empty());
  EXPECT_TRUE(graph.verify());
  expect_conversion(graph, "onnx", GetParam().onnx, GetParam().onnx_steps);
  expect_conversion(graph, "tflite", GetParam().tflite, 0);
}

INSTANTIATE_TEST_SUITE_P(Shared, Matrix, testing::ValuesIn(kModels), [](const auto& test) {
  std::string name = std::filesystem::path(test.param.name).filename();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

}  // namespace
}  // namespace pochade

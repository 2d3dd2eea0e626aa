// Custom operators of detectors.

#include "ops/detect/detection_post_process.h"

#include "formats/tflite/rows.h"

namespace pochade::tflite {
namespace {

constexpr std::string_view kSignal = "the operators of the micro-frontend are not supported";

/// Options of a custom operator, by name; each must be read.
class CustomOptions {
 public:
  explicit CustomOptions(std::vector<Option> options) : options_(std::move(options)) {}
  Result<double> number(std::string_view name, std::optional<double> otherwise) {
    for (Option& option : options_) {
      if (option.name != name) continue;
      option.name.clear();
      if (option.kind == Option::Kind::kInteger) return static_cast<double>(option.integer);
      if (option.kind == Option::Kind::kNumber) return option.number;
      return Error::invalid_model("option \"{}\" is {}, expected a number", name, to_string(option.kind));
    }
    if (otherwise) return *otherwise;
    return Error::invalid_model("option \"{}\" is missing", name);
  }
  Result<int64_t> count(std::string_view name, std::optional<double> otherwise) {
    TRY(const double value, number(name, otherwise));
    if (!(value >= 0) || value > 1e6) return Error::invalid_model("option \"{}\" is {}", name, value);
    return static_cast<int64_t>(value);
  }
  Status finish() const {
    for (const Option& option : options_)
      if (!option.name.empty() && !option.name.starts_with('_'))  // of the converter
        return Error::not_supported("option \"{}\" is not known for this operator", option.name);
    return {};
  }

 private:
  std::vector<Option> options_;
};

Status detection_post_process(NodeScope& node) {
  TRY(std::vector<Option> list, parse_custom_options(node.record().custom_options));
  CustomOptions options(std::move(list));
  DetectionPostProcess op;
  TRY(op.max_detections, options.count("max_detections", {}));
  TRY(op.max_classes_per_detection, options.count("max_classes_per_detection", {}));
  TRY(op.detections_per_class, options.count("detections_per_class", 100.0));
  TRY(op.by_class, options.count("use_regular_nms", 0.0));
  TRY(op.classes, options.count("num_classes", {}));
  for (const auto& [name, to] :
       {std::pair("nms_score_threshold", &op.score_threshold),
        std::pair("nms_iou_threshold", &op.iou_threshold), std::pair("y_scale", &op.y_scale),
        std::pair("x_scale", &op.x_scale), std::pair("h_scale", &op.height_scale),
        std::pair("w_scale", &op.width_scale)}) {
    TRY(const double value, options.number(name, {}));
    *to = static_cast<float>(value);
  }
  TRY(options.finish());
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < 3; ++i) {
    TRY(const ValueId value, node.required(i));
    TRY(const ValueId real, node.dequantized(value));
    inputs.push_back(real);
  }
  return node.emit(op, std::move(inputs));
}

constexpr Row kDetectRows[] = {
    {"TFLite_Detection_PostProcess", detection_post_process, {}, true},
    {"SignalDelay", nullptr, kSignal, true},
    {"SignalEnergy", nullptr, kSignal, true},
    {"SignalFftAutoScale", nullptr, kSignal, true},
    {"SignalFilterBank", nullptr, kSignal, true},
    {"SignalFilterBankLog", nullptr, kSignal, true},
    {"SignalFilterBankSpectralSubtraction", nullptr, kSignal, true},
    {"SignalFilterBankSquareRoot", nullptr, kSignal, true},
    {"SignalFramer", nullptr, kSignal, true},
    {"SignalIrfft", nullptr, kSignal, true},
    {"SignalOverlapAdd", nullptr, kSignal, true},
    {"SignalPCAN", nullptr, kSignal, true},
    {"SignalRfft", nullptr, kSignal, true},
    {"SignalStacker", nullptr, kSignal, true},
    {"SignalWindow", nullptr, kSignal, true},
};

}  // namespace

std::span<const Row> detect_rows() {
  return kDetectRows;
}

}  // namespace pochade::tflite

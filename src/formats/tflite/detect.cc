// Custom operators of detectors.

#include "formats/tflite/rows.h"

namespace pochade::tflite {
namespace {

constexpr std::string_view kSignal = "the operators of the micro-frontend are not supported";

constexpr Row kRows[] = {
    {"TFLite_Detection_PostProcess", nullptr, "not supported yet", true},
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
  return kRows;
}

}  // namespace pochade::tflite

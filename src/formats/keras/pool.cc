#include "formats/keras/rows.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/shape/reshape.h"

namespace pochade::keras {
namespace {

template <typename Op, size_t kAxes>
Result<Values> pool(LayerScope& layer) {
  Op op;
  TRY(const bool first, layer.channels_first());
  TRY(const ValueId in, layer.input());
  TRY(const ValueId x, layer.to_last(in, first));
  TRY(op.kernel, layer.integers("pool_size", kAxes, std::vector<int64_t>(kAxes, 2)));
  TRY(op.window.strides, layer.integers("strides", kAxes, op.kernel));
  TRY(const std::string padding, layer.text("padding", "valid"));
  if (padding == "same")
    op.window.auto_pad = AutoPad::kSameUpper;
  else if (padding != "valid")
    return Error::not_supported("padding \"{}\"", padding);
  TRY(const ValueId y, layer.add(op, {x}));
  TRY(const ValueId out, layer.to_first(y, first));
  return Values{out};
}

template <typename Op, int kAxes>
Result<Values> global_pool(LayerScope& layer) {
  TRY(const bool first, layer.channels_first());
  TRY(const bool keep, layer.flag("keepdims", false));
  TRY(const ValueId in, layer.input());
  TRY(const int rank, layer.rank(in));
  if (rank != kAxes + 2)
    return Error::invalid_model("its input has {} dimensions, expected {}", rank, kAxes + 2);
  TRY(const ValueId x, layer.to_last(in, first));
  TRY(const ValueId y, layer.add(Op{}, {x}));
  if (!keep) return layer.one(Flatten{}, {y});
  TRY(const ValueId out, layer.to_first(y, first));
  return Values{out};
}

constexpr Row kPoolRows[] = {
    {"MaxPooling1D", pool<MaxPool, 1>},
    {"MaxPooling2D", pool<MaxPool, 2>},
    {"MaxPooling3D", pool<MaxPool, 3>},
    {"AveragePooling1D", pool<AveragePool, 1>},
    {"AveragePooling2D", pool<AveragePool, 2>},
    {"AveragePooling3D", pool<AveragePool, 3>},
    {"MaxPool1D", pool<MaxPool, 1>},
    {"MaxPool2D", pool<MaxPool, 2>},
    {"MaxPool3D", pool<MaxPool, 3>},
    {"AvgPool1D", pool<AveragePool, 1>},
    {"AvgPool2D", pool<AveragePool, 2>},
    {"AvgPool3D", pool<AveragePool, 3>},
    {"GlobalAveragePooling1D", global_pool<GlobalAveragePool, 1>},
    {"GlobalAveragePooling2D", global_pool<GlobalAveragePool, 2>},
    {"GlobalAveragePooling3D", global_pool<GlobalAveragePool, 3>},
    {"GlobalMaxPooling1D", global_pool<GlobalMaxPool, 1>},
    {"GlobalMaxPooling2D", global_pool<GlobalMaxPool, 2>},
    {"GlobalMaxPooling3D", global_pool<GlobalMaxPool, 3>},
    {"GlobalAvgPool2D", global_pool<GlobalAveragePool, 2>},
    {"GlobalMaxPool2D", global_pool<GlobalMaxPool, 2>},
};

}  // namespace

std::span<const Row> pool_rows() {
  return kPoolRows;
}

}  // namespace pochade::keras

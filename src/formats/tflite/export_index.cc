// Operators that give positions, or read by them.

#include "formats/tflite/export_scope.h"
#include "ops/index/gather.h"
#include "ops/index/order.h"
#include "ops/reduce/scan.h"

namespace pochade::tflite {
namespace {

using B = BuiltinOperator;

/// TFLite's drops the axis and gives the first of equal ones.
template <B kCode, typename D>
Status arg(ExportScope& node) {
  const auto& op = node.as<D>();
  if (op.select_last_index)
    return Error::not_supported("TFLite gives the first of equal elements, not the last");
  TRY(const int axis, node.axis_of(op.axis));
  const TensorIndex along = node.constant(Tensor::scalar<int32_t>(axis));
  TensorIndex y = kLeftOut;
  if (op.keep_dims) {
    Dims dims = *node.fact(0).dims;
    dims.erase(dims.begin() + axis);
    y = node.tensor_between(Fact(DType::kI64, std::move(dims)));
  } else {
    y = node.output();
  }
  const auto type = schema::TensorType::INT64;
  const Options options =
      kCode == B::ARG_MAX
          ? node.options(OptionsType::ArgMaxOptions, schema::CreateArgMaxOptions(node.flat(), type))
          : node.options(OptionsType::ArgMinOptions, schema::CreateArgMinOptions(node.flat(), type));
  node.write(kCode, std::min(2, node.type_version()), {node.input(0), along}, {y}, options);
  if (op.keep_dims) node.write(B::EXPAND_DIMS, 1, {y, along}, {node.output()});
  return {};
}

/// Along the last axis, the largest first; indices are int32.
Status top_k(ExportScope& node) {
  const auto& op = node.as<TopK>();
  TRY(const int axis, node.axis_of(op.axis));
  if (!op.largest || axis != node.fact(0).rank() - 1)
    return Error::not_supported("TFLite has the largest along the last axis only");
  const auto k = node.known_integers(1);
  if (!k || k->size() != 1) return Error::not_supported("how many it gives is computed");
  const TensorIndex count = node.constant(Tensor::scalar<int32_t>(static_cast<int32_t>((*k)[0])));
  const TensorIndex places = node.tensor_between(Fact(DType::kI32, node.output_fact(1).dims));
  node.write(B::TOPK_V2, std::min(2, node.type_version()), {node.input(0), count}, {node.output(), places},
             node.options(OptionsType::TopKV2Options, schema::CreateTopKV2Options(node.flat())));
  node.write(B::CAST, 1, {places}, {node.output(1)});
  return {};
}

Status gather_nd(ExportScope& node) {
  if (node.as<GatherND>().batch_dims != 0)
    return Error::not_supported("TFLite has it without batch dims only");
  return node.emit(B::GATHER_ND, node.type_version(),
                   node.options(OptionsType::GatherNdOptions, schema::CreateGatherNdOptions(node.flat())));
}

Status cumulative_sum(ExportScope& node) {
  const auto& op = node.as<CumSum>();
  const auto axis = node.known_integers(1);
  if (!axis || axis->size() != 1) return Error::not_supported("its axis is computed");
  const TensorIndex along = node.constant(Tensor::scalar<int32_t>(static_cast<int32_t>((*axis)[0])));
  node.write(B::CUMSUM, 1, {node.input(0), along}, {node.output()},
             node.options(OptionsType::CumsumOptions,
                          schema::CreateCumsumOptions(node.flat(), op.exclusive, op.reverse)));
  return {};
}

constexpr ExportRow kExportIndexRows[] = {
    {"ArgMax", arg<B::ARG_MAX, ArgMax>},
    {"ArgMin", arg<B::ARG_MIN, ArgMin>},
    {"CumSum", cumulative_sum},
    {"GatherND", gather_nd},
    {"TopK", top_k},
};

}  // namespace

std::span<const ExportRow> index_export_rows() {
  return kExportIndexRows;
}

}  // namespace pochade::tflite

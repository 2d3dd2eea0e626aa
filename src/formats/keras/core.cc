#include "formats/keras/rows.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/index/gather.h"
#include "ops/matrix/gemm.h"
#include "ops/shape/expand.h"
#include "ops/shape/reshape.h"

namespace pochade::keras {
namespace {

/// y = act(x kernel + bias) over the last axis of any rank.
Result<Values> dense(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int rank, layer.rank(x));
  TRY(const bool use_bias, layer.flag("use_bias", true));
  TRY(const int64_t units, layer.integer("units"));
  TRY(const std::vector<Tensor> weights,
      use_bias ? layer.weights({"kernel", "bias"}) : layer.weights({"kernel"}));
  if (weights[0].rank() != 2 || weights[0].shape()[1] != units)
    return Error::invalid_model("kernel is {}, and units {}", weights[0].shape(), units);
  TRY(const Tensor kernel_tensor, weights[0].cast(DType::kF32));
  const ValueId kernel = layer.constant("kernel", kernel_tensor);
  ValueId bias = kNone;
  if (use_bias) {
    TRY(const Tensor tensor, weights[1].cast(DType::kF32));
    bias = layer.constant("bias", tensor);
  }
  ValueId y = kNone;
  if (rank == 2) {
    TRY(y, layer.add(Gemm{}, {x, kernel, bias}));
  } else {
    TRY(y, layer.add(MatMul{}, {x, kernel}));
    if (use_bias) {
      TRY(y, layer.add(Add{}, {y, bias}));
    }
  }
  TRY(const ValueId out, layer.activate(y, layer.get("activation")));
  return Values{out};
}

/// What does something in training only.
Result<Values> nothing(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  layer.ignore_all();
  return Values{x};
}

Result<Values> flatten(LayerScope& layer) {
  TRY(const ValueId in, layer.input());
  TRY(const int rank, layer.rank(in));
  TRY(const bool first, layer.channels_first());
  if (rank == 1) return layer.one(Unsqueeze{}, {in, layer.integers_constant({1})});
  TRY(const ValueId x, layer.to_last(in, first));
  return layer.one(Flatten{}, {x});
}

Result<Values> reshape(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(std::vector<int64_t> shape, layer.integers("target_shape", 0));
  for (const int64_t size : shape)
    if (size < -1 || size == 0) return Error::invalid_model("target_shape holds {}", size);
  shape.insert(shape.begin(), 0);  // the batch as it is
  TRY(const ValueId y, layer.reshape(x, std::move(shape)));
  return Values{y};
}

Result<Values> permute(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(std::vector<int64_t> perm, layer.integers("dims", 0));
  perm.insert(perm.begin(), 0);
  TRY(const ValueId y, layer.transpose(x, std::move(perm)));
  return Values{y};
}

Result<Values> repeat_vector(LayerScope& layer) {
  TRY(const ValueId x, layer.input());
  TRY(const int64_t count, layer.integer("n"));
  if (count < 1 || count > (1 << 24)) return Error::invalid_model("n is {}", count);
  TRY(const ValueId row, layer.add(Unsqueeze{}, {x, layer.integers_constant({1})}));
  return layer.one(Expand{}, {row, layer.integers_constant({1, count, 1})});
}

Result<Values> embedding(LayerScope& layer) {
  TRY(ValueId x, layer.input());
  TRY(const bool mask, layer.flag("mask_zero", false));
  if (mask) return Error::not_supported("mask_zero: the steps that it masks would count in what follows");
  for (const char* key : {"input_dim", "output_dim", "units", "input_length", "embeddings"})
    layer.ignore(key);
  TRY(const std::vector<Tensor> weights, layer.weights({"embeddings"}));
  if (weights[0].rank() != 2) return Error::invalid_model("embeddings are {}", weights[0].shape());
  TRY(const Tensor table, weights[0].cast(DType::kF32));
  if (is_float(layer.fact(x).dtype.value_or(DType::kF32))) {
    Cast cast;
    cast.to = DType::kI32;
    TRY(x, layer.add(cast, {x}));
  }
  return layer.one(Gather{}, {layer.constant("embeddings", table), x});
}

constexpr std::string_view kProgramAsBytes =
    "its meaning is a program that the file only has as Python's bytes";

constexpr Row kCoreRows[] = {
    {"Dense", dense},
    {"Flatten", flatten},
    {"Reshape", reshape},
    {"Permute", permute},
    {"RepeatVector", repeat_vector},
    {"Embedding", embedding},
    {"Dropout", nothing},
    {"SpatialDropout1D", nothing},
    {"SpatialDropout2D", nothing},
    {"SpatialDropout3D", nothing},
    {"GaussianDropout", nothing},
    {"GaussianNoise", nothing},
    {"AlphaDropout", nothing},
    {"ActivityRegularization", nothing},
    {"Identity", nothing},
    {"RandomFlip", nothing},
    {"RandomRotation", nothing},
    {"RandomZoom", nothing},
    {"RandomTranslation", nothing},
    {"RandomContrast", nothing},
    {"RandomBrightness", nothing},
    {"RandomHeight", nothing},
    {"RandomWidth", nothing},
    {"RandomShear", nothing},
    {"RandomHue", nothing},
    {"RandomSaturation", nothing},
    {"RandomColorJitter", nothing},
    {"RandomErasing", nothing},
    {"RandomGaussianBlur", nothing},
    {"RandomPosterization", nothing},
    {"RandomSharpness", nothing},
    {"RandomGrayscale", nothing},
    {"RandomPerspective", nothing},
    {"RandomInvert", nothing},
    {"RandAugment", nothing},
    {"Lambda", nullptr, kProgramAsBytes},
    {"Masking", nullptr, "the steps that it masks would count in what follows"},
};

}  // namespace

std::span<const Row> core_rows() {
  return kCoreRows;
}

}  // namespace pochade::keras

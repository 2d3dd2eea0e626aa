#pragma once
// The configuration of a Keras model as typed records. Keras 2 and 3 write it differently, and Keras 1 gives
// layers other names and keys: from here on all look alike, in the words of Keras 2.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/keras/json.h"

namespace pochade::keras {

/// Output number `tensor` of call number `call` of a layer.
struct TensorRef {
  std::string layer;
  int64_t call = 0;
  int64_t tensor = 0;
};

/// What a layer is called with.
struct Argument {
  enum class Kind { kTensor, kList, kLiteral };
  Kind kind = Kind::kLiteral;
  TensorRef tensor;
  std::vector<Argument> items;
  Json literal;
};

struct Call {
  std::vector<Argument> arguments;
  std::map<std::string, Argument, std::less<>> keywords;
};

struct ModelRecord;

struct LayerRecord {
  std::string class_name;  ///< "Conv2D", without a registered package's name
  std::string package;     ///< "Addons" of "Addons>InstanceNormalization"
  std::string module;      ///< "keras.layers", or empty: Keras 2 does not say
  std::string name;
  bool is_function = false;  ///< an operator of keras.ops, which shares names with layers (Add, Softmax)
  Json config;
  std::vector<Call> calls;  ///< in a functional model
  std::shared_ptr<const ModelRecord> model;
};

struct ModelRecord {
  std::string name;
  bool sequential = false;
  bool keras3_calls = false;  ///< calls are written as Keras 3 does
  std::vector<LayerRecord> layers;
  std::vector<TensorRef> inputs;   ///< of a functional model
  std::vector<TensorRef> outputs;  ///< of a functional model
  Json build_shape;                ///< of a sequential model without InputLayer, or null
};

/// {"class_name": ..., "config": {...}} of a whole model. `major`: of Keras.
Result<ModelRecord> parse_model(const Json& json, int major);
/// The same of one layer, as wrappers hold them.
Result<LayerRecord> parse_layer(const Json& json, int major);

/// Keras 1's names and keys become those of Keras 2.
Status modernise(LayerRecord& layer);

}  // namespace pochade::keras

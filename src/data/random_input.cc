#include "data/random_input.h"

#include <cstring>
#include <limits>

namespace pochade {
namespace {

/// splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
uint64_t next_random(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Result<Tensor> random_tensor(DType dtype, const Shape& shape, uint64_t seed, double low, double high) {
  TRY(Tensor out, Tensor::make(dtype, shape));
  uint64_t state = seed;
  visit(dtype, [&]<typename T>() {
    for (T& element : out.mutable_data<T>()) {
      const uint64_t bits = next_random(state);
      if constexpr (std::is_same_v<T, bool>) {
        element = (bits & 1) != 0;
      } else if constexpr (std::is_same_v<T, uint8_t> || std::is_same_v<T, int8_t>) {
        element = static_cast<T>(bits >> 56);
      } else if constexpr (std::is_integral_v<T>) {
        element = static_cast<T>(bits & 1);
      } else {
        element = static_cast<T>(
            static_cast<float>(low + (high - low) * (static_cast<double>(bits >> 11) * 0x1p-53)));
      }
    }
  });
  return out;
}

bool takes_wav(const Graph& graph, ValueId input) {
  const auto users = graph.users();
  for (const NodeId reader : users[static_cast<size_t>(input)])
    if (graph.node(reader).op->name() == "DecodeWav") return true;
  return false;
}

Result<Tensor> random_wav(int64_t bytes, uint64_t seed) {
  constexpr int64_t kHeaderBytes = 44;
  if (bytes < kHeaderBytes)
    return Error::invalid_argument("a WAV file has at least {} bytes, not {}", kHeaderBytes, bytes);
  TRY(Tensor out, random_tensor(DType::kU8, {bytes}, seed));
  std::byte* at = out.mutable_bytes();
  const auto put = [&at](const auto& value, size_t size) {
    std::memcpy(at, &value, size);
    at += size;
  };
  const auto number = [&put](int64_t value, size_t size) { put(value, size); };
  const auto tag = [&put](const char(&text)[5]) { put(text, 4); };
  tag("RIFF"), number(bytes - 8, 4), tag("WAVE");
  tag("fmt "), number(16, 4), number(1, 2), number(1, 2);  // PCM, one channel
  number(16000, 4), number(32000, 4), number(2, 2), number(16, 2);
  tag("data"), number(bytes - kHeaderBytes, 4);
  return out;
}

ValueRange declared_range(const Graph& graph) {
  const auto found = graph.metadata().find("Image.NominalPixelRange");
  if (found == graph.metadata().end()) return {};
  if (found->second == "NominalRange_0_255") return {0, 255};
  if (found->second == "NominalRange_16_235") return {16, 235};
  if (found->second == "Normalized_1_1") return {-1, 1};
  return {};
}

Result<Tensors> random_inputs(const Graph& graph, std::span<const Shape> shapes, uint64_t seed) {
  const ValueRange range = declared_range(graph);
  Tensors out;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value& input = graph.value(graph.inputs()[i]);
    if (takes_wav(graph, graph.inputs()[i])) {
      TRY(out.emplace_back(), random_wav(shapes[i].elements(), seed + i).context("input \"{}\"", input.name));
      continue;
    }
    TRY(Tensor tensor, random_tensor(*input.fact.dtype, shapes[i], seed + i, range.low, range.high)
                           .context("input \"{}\"", input.name));
    out.push_back(std::move(tensor));
  }
  return out;
}

Result<std::vector<Shape>> input_shapes(const Graph& graph, const std::map<std::string, Shape>& given) {
  std::vector<Shape> out;
  size_t used = 0;
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    if (const auto found = given.find(input.name); found != given.end()) {
      ++used;
      out.push_back(found->second);
      continue;
    }
    if (takes_wav(graph, id) && !input.fact.shape()) {
      out.push_back({kRandomWavBytes});
      continue;
    }
    Shape shape;
    bool known = input.fact.dims.has_value() && input.fact.dims->size() <= kMaxRank;
    for (size_t i = 0; known && i < input.fact.dims->size(); ++i) {
      const Dim& dim = (*input.fact.dims)[i];
      if (dim.is_number()) {
        shape.push_back(dim.number());
      } else if (i == 0) {
        shape.push_back(1);
      } else {
        known = false;
      }
    }
    if (!known)
      return Result<std::vector<Shape>>(
                 Error::invalid_argument("the size of input \"{}\" is open: {}", input.name, input.fact))
          .hint(format("Say it: --shape {}=1x3x480x640 (with this input's own dims).", input.name));
    out.push_back(shape);
  }
  if (used == given.size()) return out;
  std::vector<std::string> names;
  for (const ValueId id : graph.inputs()) names.push_back(graph.value(id).name);
  for (const auto& [name, shape] : given)
    if (std::find(names.begin(), names.end(), name) == names.end())
      return Error::invalid_argument("the model has no input \"{}\"; it has {}", name, join(names));
  return out;
}

}  // namespace pochade

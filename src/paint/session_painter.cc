#include "paint/session_painter.h"

#include <algorithm>

#include "passes/specialise.h"

namespace pochade {
namespace {

constexpr int64_t kColours = 3;

/// 1,3,H,W (true) or 1,H,W,3 (false) of the input; a rank-4 input that does not say is taken as ONNX has it.
Result<bool> is_channels_first(const Fact& fact) {
  if (!fact.rank_known() || fact.rank() != 4)
    return Error::not_supported("its input is {}, not a picture of 3 channels", fact);
  const Dim &batch = fact.dim(0), &second = fact.dim(1), &last = fact.dim(3);
  if (batch.is_number() && !batch.is(1))
    return Error::not_supported("its input is {}: more than one picture", fact);
  if (second.is(kColours)) return true;
  if (last.is(kColours)) return false;
  if (!second.is_number()) return true;
  return Error::not_supported("its input is {}, not a picture of 3 channels", fact);
}

/// Between N,C,H,W and N,H,W,C of one picture.
Result<Tensor> with_channels_last(const Tensor& tensor) {
  const Shape& from = tensor.shape();
  const int64_t channels = from[1], pixels = from[2] * from[3];
  TRY(auto out, Tensor::make(DType::kF32, {1, from[2], from[3], channels}));
  const auto in = tensor.data<float>();
  const auto to = out.mutable_data<float>();
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t p = 0; p < pixels; ++p)
      to[static_cast<size_t>(p * channels + c)] = in[static_cast<size_t>(c * pixels + p)];
  return out;
}
Result<Tensor> with_channels_first(const Tensor& tensor) {
  const Shape& from = tensor.shape();
  const int64_t channels = from[3], pixels = from[1] * from[2];
  TRY(auto out, Tensor::make(DType::kF32, {1, channels, from[1], from[2]}));
  const auto in = tensor.data<float>();
  const auto to = out.mutable_data<float>();
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t c = 0; c < channels; ++c)
      to[static_cast<size_t>(c * pixels + p)] = in[static_cast<size_t>(p * channels + c)];
  return out;
}

/// Bytes get the nearest value; a cast alone would cut.
Result<Tensor> as_type(const Tensor& tensor, DType dtype) {
  if (dtype != DType::kU8) return tensor.cast(dtype);
  TRY(auto out, Tensor::make(DType::kU8, tensor.shape()));
  const auto from = tensor.data<float>();
  const auto to = out.mutable_data<uint8_t>();
  for (size_t i = 0; i < from.size(); ++i) {
    const float v = from[i] > 0 ? std::min(from[i], 255.0f) : 0.0f;  // NaN too
    to[i] = static_cast<uint8_t>(v + 0.5f);
  }
  return out;
}

bool is_picture_type(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kU8;
}

/// Whether an output of this shape is 1,3,H,W; empty: no picture.
std::optional<bool> output_is_channels_first(const Shape& shape, bool input_is) {
  if (shape.rank() != 4 || shape[0] != 1) return std::nullopt;
  const bool first = shape[1] == kColours, last = shape[3] == kColours;
  if (first && last) return input_is;
  if (first || last) return first;
  return std::nullopt;
}

}  // namespace

ModelHints hints_of(const Graph& graph) {
  ModelHints out;
  const auto text = [&](const std::string& key) {
    const auto found = graph.metadata().find(key);
    return found == graph.metadata().end() ? std::string() : found->second;
  };
  out.metadata = graph.metadata();
  out.model_doc = text("doc");
  for (const ValueId input : graph.inputs()) out.input_docs.push_back(text("doc:" + graph.value(input).name));
  for (const GraphOutput& output : graph.outputs()) out.output_docs.push_back(text("doc:" + output.name));
  return out;
}

Result<SessionPainter> SessionPainter::create(Graph graph, const SessionOptions& options) {
  if (graph.inputs().size() != 1)
    return Error::not_supported("it has {} inputs; painting needs a network of one picture",
                                graph.inputs().size());
  if (graph.outputs().empty()) return Error::not_supported("it has no output");
  const Fact& fact = graph.fact(graph.inputs()[0]);
  TRY(const bool channels_first, is_channels_first(fact));
  const DType dtype = fact.dtype.value_or(DType::kF32);
  if (!is_picture_type(dtype)) return Error::not_supported("its input is {}, not floats or bytes", fact);
  TRY(auto session, Session::create(std::move(graph), options));
  return SessionPainter(std::move(session), channels_first, dtype);
}

std::optional<PictureSize> SessionPainter::fixed_size() {
  const Fact& fact = session_.graph().fact(session_.graph().inputs()[0]);
  const Dim &height = fact.dim(channels_first_ ? 2 : 1), &width = fact.dim(channels_first_ ? 3 : 2);
  if (!height.is_number() || !width.is_number()) return std::nullopt;
  return PictureSize{height.number(), width.number()};
}

Shape SessionPainter::input_shape(PictureSize photo) const {
  if (channels_first_) return {1, kColours, photo.height, photo.width};
  return {1, photo.height, photo.width, kColours};
}

Result<PictureSize> SessionPainter::painting_size(PictureSize photo) {
  const Graph& graph = session_.graph();
  TRY(const Graph special, specialise(graph, {{graph.value(graph.inputs()[0]).name, input_shape(photo)}}));
  const Fact& fact = special.fact(special.outputs()[0].value);
  const auto shape = fact.shape();
  if (!shape) return Error::not_supported("the painting's size is not known before it is made: {}", fact);
  const auto channels_first = output_is_channels_first(*shape, channels_first_);
  if (!channels_first) return Error::not_supported("its output is {}, not a picture of 3 channels", fact);
  if (*channels_first) return PictureSize{(*shape)[2], (*shape)[3]};
  return PictureSize{(*shape)[1], (*shape)[2]};
}

Result<Tensor> SessionPainter::paint(const Tensor& photo) {
  Tensor entering = photo;
  if (channels_first_) {
    TRY(entering, with_channels_first(photo));
  }
  if (dtype_ != DType::kF32) {
    TRY(entering, as_type(entering, dtype_));
  }
  TRY(const Tensors outputs, session_.run({&entering, 1}));
  entering = Tensor();
  TRY(Tensor painting, outputs[0].cast(DType::kF32));
  const auto channels_first = output_is_channels_first(painting.shape(), channels_first_);
  if (!channels_first)
    return Error::not_supported("its output is {}, not a picture of 3 channels", painting.shape());
  if (!*channels_first) return painting;
  return with_channels_last(painting);
}

}  // namespace pochade

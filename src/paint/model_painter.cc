#include "paint/model_painter.h"

#include "formats/formats.h"
#include "passes/channels_last_io.h"
#include "passes/free_sizes.h"

namespace pochade {
namespace {

bool is_three(const Dim& dim) {
  return dim.is(3);
}

/// Whether a picture enters or leaves here with its channels first. Error: it is no picture of 3 channels.
Result<bool> channels_first(const Fact& fact, std::string_view what, std::string_view name) {
  const bool picture =
      (fact.dtype == DType::kF32 || fact.dtype == DType::kF16) && fact.dims && fact.rank() == 4;
  if (!picture || (!is_three(fact.dim(1)) && !is_three(fact.dim(3))))
    return Error::not_supported("{} \"{}\" is {}, expected a float picture of 3 channels: 1x3xHxW or 1xHxWx3",
                                what, name, fact);
  return is_three(fact.dim(1)) && !(is_three(fact.dim(3)) && !is_three(fact.dim(1)));
}

}  // namespace

Result<std::unique_ptr<ModelPainter>> ModelPainter::open(const std::filesystem::path& model,
                                                         const SessionOptions& options) {
  TRY(Graph graph, import_model(model));
  if (graph.inputs().size() != 1 || graph.outputs().empty())
    return Error::not_supported(
        "{} is no painting network: it has {} inputs and {} outputs, expected one picture in and one out",
        model, graph.inputs().size(), graph.outputs().size());
  ModelHints hints = hints_of(graph);
  std::vector<std::string> warnings;
  for (const auto& [key, text] : graph.metadata())
    if (key.starts_with("warning:")) warnings.push_back(format("{} {}", key.substr(8), text));

  const std::string in_name = graph.value(graph.inputs()[0]).name, out_name = graph.outputs()[0].name;
  TRY(const bool in_first,
      channels_first(graph.fact(graph.inputs()[0]), "input", in_name).context("{}", model));
  TRY(const bool out_first,
      channels_first(graph.fact(graph.outputs()[0].value), "output", out_name).context("{}", model));

  std::string why_fixed;
  const Fact& in = graph.fact(graph.inputs()[0]);
  const int row_axis = in_first ? 2 : 1;
  std::optional<PictureSize> fixed;
  if (in.dim(row_axis).is_number() && in.dim(row_axis + 1).is_number()) {
    fixed = PictureSize{in.dim(row_axis).number(), in.dim(row_axis + 1).number()};
    Result<Graph> freed = free_sizes(graph);
    if (freed) {
      graph = *std::move(freed);
      fixed.reset();
    } else {
      why_fixed = freed.error().text();
    }
  }
  std::vector<std::string> inputs, outputs;
  if (in_first) inputs.push_back(in_name);
  if (out_first) outputs.push_back(out_name);
  if (in_first || out_first) {
    TRY(Retype retype, channels_last_io(graph, inputs, outputs));
    TRY(graph, std::move(retype).apply());
  }
  TRY(Session session, Session::create(std::move(graph), options).context("{}", model));
  std::unique_ptr<ModelPainter> painter(new ModelPainter(std::move(session)));
  painter->hints_ = std::move(hints);
  painter->fixed_ = fixed;
  painter->why_fixed_ = std::move(why_fixed);
  painter->warnings_ = std::move(warnings);
  return painter;
}

Result<PictureSize> ModelPainter::painting_size(PictureSize photo) {
  TRY(const Plan* const plan, session_.prepare(std::array{Shape{1, photo.height, photo.width, 3}}));
  const auto shape = plan->graph.fact(plan->graph.outputs()[0].value).shape();
  if (!shape || shape->rank() != 4 || (*shape)[0] != 1 || (*shape)[3] != 3)
    return Error::not_supported("the network gives {}, no picture of 3 channels",
                                plan->graph.fact(plan->graph.outputs()[0].value));
  return PictureSize{(*shape)[1], (*shape)[2]};
}

int64_t ModelPainter::predicted_bytes(PictureSize photo) {
  const auto size = painting_size(photo);
  if (!size) return 0;
  const int64_t pixels = photo.height * photo.width + size->height * size->width;
  return session_.held_bytes() + pixels * 3 * static_cast<int64_t>(sizeof(float));
}

Result<Tensor> ModelPainter::paint(const Tensor& photo) {
  const DType dtype = *session_.graph().fact(session_.graph().inputs()[0]).dtype;
  TRY(const Tensor in, photo.cast(dtype));
  TRY(Tensors out, session_.run(std::array{in}));
  return out[0].cast(DType::kF32);
}

}  // namespace pochade

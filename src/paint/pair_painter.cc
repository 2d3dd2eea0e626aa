#include "paint/pair_painter.h"

#include <algorithm>

#include "data/picture_input.h"
#include "formats/formats.h"
#include "passes/free_sizes.h"

namespace pochade {
namespace {

constexpr int64_t kStyleSide = 256;  ///< of paintings, where the predict network takes any size

bool is_picture(const Fact& fact) {
  return fact.dtype == DType::kF32 && fact.dims && fact.rank() == 4 && fact.dim(3).is(3);
}

/// The painting's vector.
Result<Tensor> predict_style(const std::filesystem::path& predict, const Image& painting,
                             const SessionOptions& options) {
  TRY(Graph graph, import_model(predict));
  if (graph.inputs().size() != 1 || graph.outputs().size() != 1 || !is_picture(graph.fact(graph.inputs()[0])))
    return Error::not_supported(
        "{} is no network that predicts a style: expected one picture 1xHxWx3 in, one vector out", predict);
  TRY(const PictureInput input, picture_input(graph, 0, {{kStyleSide, kStyleSide}}));
  TRY(Session session, Session::create(std::move(graph), options).context("{}", predict));
  Preprocess how = *preprocess_preset("unit");
  how.keep = 1;  // all of the painting's shorter side
  TRY(const PlacedPicture placed, enter_picture(painting, how, input, Fit::kCrop));
  TRY(const Tensors out, session.run(std::array{placed.tensor}).context("{}", predict));
  return out[0];
}

}  // namespace

Result<std::unique_ptr<PairPainter>> PairPainter::open(const std::filesystem::path& predict,
                                                       const std::filesystem::path& transfer,
                                                       const Image& painting, const SessionOptions& options) {
  TRY(Tensor style, predict_style(predict, painting, options));
  TRY(Graph graph, import_model(transfer));
  const auto& inputs = graph.inputs();
  const size_t picture = inputs.size() == 2 && is_picture(graph.fact(inputs[0])) ? 0 : 1;
  const bool fits = inputs.size() == 2 && graph.outputs().size() == 1 &&
                    is_picture(graph.fact(inputs[picture])) &&
                    is_picture(graph.fact(graph.outputs()[0].value));
  const auto wanted = fits ? graph.fact(inputs[1 - picture]).shape() : std::nullopt;
  if (!wanted || wanted->checked_elements() != style.elements())
    return Error::not_supported(
        "{} is no network that paints in a predicted style: expected a picture 1xHxWx3 and {} values in, a "
        "picture out",
        transfer, style.elements());
  if (Result<Graph> freed = free_sizes(graph);
      freed && freed->fact(freed->inputs()[1 - picture]).shape() == wanted)
    graph = *std::move(freed);
  const Fact& fact = graph.fact(graph.inputs()[picture]);
  std::optional<PictureSize> fixed;
  if (fact.dim(1).is_number() && fact.dim(2).is_number())
    fixed = PictureSize{fact.dim(1).number(), fact.dim(2).number()};
  TRY(Session session, Session::create(std::move(graph), options).context("{}", transfer));
  std::unique_ptr<PairPainter> out(new PairPainter(std::move(session)));
  out->picture_input_ = picture;
  out->style_ = style.reshaped(*wanted);
  out->fixed_ = fixed;
  return out;
}

std::vector<Shape> PairPainter::shapes(PictureSize photo) const {
  std::vector<Shape> out(2, style_.shape());
  out[picture_input_] = Shape{1, photo.height, photo.width, 3};
  return out;
}

Result<PictureSize> PairPainter::painting_size(PictureSize photo) {
  TRY(const Plan* const plan, transfer_.prepare(shapes(photo)));
  const auto shape = plan->graph.fact(plan->graph.outputs()[0].value).shape();
  if (!shape || shape->rank() != 4 || (*shape)[0] != 1 || (*shape)[3] != 3)
    return Error::not_supported("the network gives {}, no picture of 3 channels",
                                plan->graph.fact(plan->graph.outputs()[0].value));
  return PictureSize{(*shape)[1], (*shape)[2]};
}

int64_t PairPainter::predicted_bytes(PictureSize photo) {
  const auto size = painting_size(photo);
  if (!size) return 0;
  const int64_t pixels = photo.height * photo.width + size->height * size->width;
  return transfer_.held_bytes() + pixels * 3 * static_cast<int64_t>(sizeof(float));
}

Result<Tensor> PairPainter::paint(const Tensor& photo) {
  Tensors inputs(2, style_);
  inputs[picture_input_] = photo;
  TRY(Tensors out, transfer_.run(inputs));
  return out[0].cast(DType::kF32);
}

}  // namespace pochade

#include "passes/free_sizes.h"

#include <algorithm>
#include <array>
#include <optional>

#include "ops/conv/conv_transpose.h"
#include "passes/specialise.h"

namespace pochade {
namespace {

constexpr int64_t kMostChannels = 4;

/// Where height and width of a picture stand.
struct Picture {
  ValueId input = kNone;
  int height_axis = 0;
};

std::optional<Picture> as_picture(const Graph& graph, ValueId input) {
  const Fact& fact = graph.fact(input);
  if (!fact.rank_known() || fact.rank() != 4) return std::nullopt;
  const auto is_channels = [&](int axis) {
    return fact.dim(axis).is_number() && fact.dim(axis).number() <= kMostChannels;
  };
  if (!is_channels(1) && !is_channels(3)) return std::nullopt;
  const Picture picture{input, is_channels(1) ? 2 : 1};
  const bool fixed =
      fact.dim(picture.height_axis).is_number() && fact.dim(picture.height_axis + 1).is_number();
  return fixed ? std::optional(picture) : std::nullopt;
}

/// One name a size, so that inputs of one size stay so.
class Names {
 public:
  explicit Names(std::string letter, const Graph& graph) : letter_(std::move(letter)) {
    for (const ValueId v : graph.inputs())
      for (const Dim& dim : graph.fact(v).dims.value_or(Dims()))
        if (dim.is_named()) taken_.insert(dim.name());
  }
  Dim of(int64_t size) {
    auto& name = names_[size];
    for (int i = 1; name.empty(); ++i) {
      const std::string candidate = i == 1 ? letter_ : format("{}{}", letter_, i);
      if (taken_.insert(candidate).second) name = candidate;
    }
    return Dim::named(name);
  }

 private:
  std::string letter_;
  std::set<std::string> taken_;
  std::map<int64_t, std::string> names_;
};

/// The same operator with pads instead of the output's size. What the pads would have to add becomes
/// output_padding: positions that no input reaches, as the size asked for.
Result<OpPtr> with_pads(const ConvTranspose& conv, const Fact& x, const Fact& w) {
  const auto ws = w.shape();
  if (!x.rank_known() || !ws)
    return Error::not_supported("has an output_shape, but its input's rank or its weights are not known");
  ConvTranspose out = conv;
  const size_t rank = conv.output_shape.size();
  out.output_shape.clear();
  out.output_padding.assign(rank, 0);
  out.window.pads_begin.assign(rank, 0);
  out.window.pads_end.assign(rank, 0);
  out.window.auto_pad = AutoPad::kExplicit;
  for (size_t axis = 0; axis < rank; ++axis) {
    const int at = static_cast<int>(axis) + 1;
    if (!x.dim(at).is_number())
      return Error::not_supported("has an output_shape, but its input's size is not known");
    TRY(const WindowAxis resolved, conv.resolve(axis, (*ws)[at], x.dim(at).number()));
    const int64_t natural = resolved.stride * (resolved.in - 1) + resolved.extent();
    out.window.pads_begin[axis] = resolved.pad_begin;
    out.window.pads_end[axis] = resolved.pad_end;
    out.output_padding[axis] = resolved.out - (natural - resolved.pad_begin - resolved.pad_end);
  }
  return make_op(std::move(out));
}

/// Sizes in the graph that do not follow when the pictures grow from `saved` to `tried`.
Status compare(const Graph& saved, const Graph& tried) {
  // Their output does not have the input's size, so it has to follow it.
  constexpr std::array<std::string_view, 7> kMovers = {"Resize",  "Slice",         "Expand",       "Tile",
                                                       "Reshape", "CenterCropPad", "ConvTranspose"};
  if (saved.node_count() != tried.node_count())
    return Error::not_supported("its nodes depend on the size, so it cannot be freed");
  for (const NodeId n : saved.topological_order()) {
    const Node &before = saved.node(n), &after = tried.node(n);
    if (before.inputs.empty() || before.inputs[0] == kNone || after.inputs[0] == kNone) continue;
    const Fact &in_before = saved.fact(before.inputs[0]), &in_after = tried.fact(after.inputs[0]);
    const Fact &out_before = saved.fact(before.outputs[0]), &out_after = tried.fact(after.outputs[0]);
    if (in_before.is_constant() || in_before.dims == in_after.dims) continue;
    const std::string_view op = before.op->name();
    const auto refuse = [&] {
      return Error::not_supported("node \"{}\" ({}) gives {} whatever the picture's size: it cannot be freed",
                                  before.name, op, join(*out_before.dims, "x"));
    };
    if (std::find(kMovers.begin(), kMovers.end(), op) != kMovers.end() && out_before.dims == out_after.dims)
      return refuse();
    // A Reshape to -1,K moves the additional elements into the batch.
    if (op == "Reshape" && in_before.rank() > 0 && out_before.rank() > 0 &&
        in_before.dim(0) == in_after.dim(0) && out_before.dim(0) == in_before.dim(0) &&
        out_before.dim(0) != out_after.dim(0))
      return Error::not_supported(
          "node \"{}\" ({}) would give {} instead of {} for larger pictures: it cannot be freed", before.name,
          op, join(*out_after.dims, "x"), join(*out_before.dims, "x"));
  }
  return {};
}

/// Shapes of all inputs with the pictures grown; sizes that are free get a small number.
std::map<std::string, Shape> shapes(const Graph& graph, const std::vector<Picture>& pictures, int64_t taller,
                                    int64_t wider) {
  std::map<std::string, Shape> out;
  for (const ValueId input : graph.inputs()) {
    const Fact& fact = graph.fact(input);
    if (!fact.rank_known()) continue;
    Shape shape;
    for (const Dim& dim : *fact.dims) shape.push_back(dim.is_number() ? dim.number() : 1);
    for (const Picture& picture : pictures) {
      if (picture.input != input) continue;
      shape[picture.height_axis] += taller;
      shape[picture.height_axis + 1] += wider;
    }
    out[graph.value(input).name] = shape;
  }
  return out;
}

}  // namespace

Result<Graph> free_sizes(const Graph& graph) {
  Retype retype(graph);
  std::vector<Picture> pictures;
  for (const ValueId input : graph.inputs())
    if (const auto picture = as_picture(graph, input)) pictures.push_back(*picture);
  if (pictures.empty()) return Error::not_supported("no input is a picture of fixed size");

  Names heights("H", graph), widths("W", graph);
  for (const Picture& picture : pictures) {
    Fact fact = graph.fact(picture.input);
    Dim& height = (*fact.dims)[static_cast<size_t>(picture.height_axis)];
    Dim& width = (*fact.dims)[static_cast<size_t>(picture.height_axis) + 1];
    height = heights.of(height.number());
    width = widths.of(width.number());
    TRY(retype.retype_input(graph.value(picture.input).name, std::move(fact)));
  }
  retype.declare_inner_values();
  for (const GraphOutput& output : graph.outputs()) TRY(retype.declare_output(output.name));
  for (const NodeId n : graph.topological_order()) {
    const Node& node = graph.node(n);
    const auto* conv = op_as<ConvTranspose>(*node.op);
    if (conv == nullptr || conv->output_shape.empty()) continue;
    TRY(OpPtr op, with_pads(*conv, graph.fact(node.inputs[0]), graph.fact(node.inputs[1]))
                      .context("node \"{}\" ({})", node.name, node.op->name()));
    retype.replace(n, std::move(op), node.inputs);
  }

  const auto why = [](Error error) {
    error.add_context("the size of the picture cannot be freed");
    return tl::unexpected<Error>(Error(ErrorCode::kNotSupported, error.text()));
  };
  auto freed = std::move(retype).apply();
  if (!freed) return why(freed.error());
  TRY(const Graph saved, specialise(*freed, shapes(graph, pictures, 0, 0)));
  for (const auto& [taller, wider] : {std::pair<int64_t, int64_t>{64, 128}, {192, 64}}) {
    const auto tried = specialise(*freed, shapes(graph, pictures, taller, wider));
    if (!tried) return why(tried.error());
    TRY(compare(saved, *tried));
  }
  return freed;
}

}  // namespace pochade

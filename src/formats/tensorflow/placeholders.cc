#include "formats/tensorflow/placeholders.h"

#include <algorithm>

namespace pochade::tensorflow {
namespace {

/// Operators whose result has the shape of their first input, or of the larger one.
constexpr std::string_view kSameShape[] = {
    "Identity", "Relu", "Relu6", "Sub",       "Add",   "AddV2",         "Mul",         "RealDiv", "Div",
    "Cast",     "Elu",  "Tanh",  "Sigmoid",   "Sqrt",  "Maximum",       "Square",      "Neg",     "BiasAdd",
    "Minimum",  "Abs",  "Pad",   "MirrorPad", "PadV2", "CheckNumerics", "StopGradient"};

struct RankRow {
  std::string_view op;
  int rank;
};
/// Operators whose first input has one rank only.
constexpr RankRow kRanks[] = {
    {"Conv2D", 4},
    {"_FusedConv2D", 4},
    {"DepthwiseConv2dNative", 4},
    {"MaxPool", 4},
    {"AvgPool", 4},
    {"FusedBatchNorm", 4},
    {"FusedBatchNormV2", 4},
    {"ResizeBilinear", 4},
    {"ResizeNearestNeighbor", 4},
    {"ResizeBicubic", 4},
    {"LRN", 4},
    {"SpaceToDepth", 4},
    {"DepthToSpace", 4},
    {"MatMul", 2},
    {"_FusedMatMul", 2},
    {"Conv3D", 5},
    {"MaxPool3D", 5},
    {"AvgPool3D", 5},
};

bool is_same_shape(std::string_view op) {
  return std::find(std::begin(kSameShape), std::end(kSameShape), op) != std::end(kSameShape);
}

/// The node that an input comes from, past what only passes it on.
const NodeRecord* source(const Body& body, const NodeRecord& node, size_t i) {
  const NodeRecord* at = &node;
  for (int steps = 0; steps < 16; ++steps, i = 0) {
    const auto reference =
        i < at->inputs.size() ? parse_reference(at->inputs[i]) : Result<Reference>(Reference{});
    const auto found = reference ? body.by_name.find(reference->node) : body.by_name.end();
    if (found == body.by_name.end()) return nullptr;
    at = &body.node(found->second);
    if (at->op != "Identity") return at;
  }
  return nullptr;
}

std::optional<ShapeRecord> constant_shape(const NodeRecord* node) {
  if (node == nullptr || node->op != "Const") return std::nullopt;
  const auto value = node->attrs.find("value");
  if (value == node->attrs.end() || value->second.kind != AttrKind::kTensor) return std::nullopt;
  const auto tensor = parse_tensor(value->second.message);
  if (!tensor) return std::nullopt;
  return tensor->shape;
}

/// The sizes that a reader asks for: its rank, and the channels of its weights.
std::optional<Dims> dims_for(const Body& body, const NodeRecord& reader) {
  const auto row =
      std::find_if(std::begin(kRanks), std::end(kRanks), [&](const RankRow& r) { return r.op == reader.op; });
  if (row == std::end(kRanks)) return std::nullopt;
  Dims dims(static_cast<size_t>(row->rank));
  const auto weights = constant_shape(source(body, reader, 1));
  if (!weights || weights->dims.size() != dims.size()) return dims;
  const auto format = reader.attrs.find("data_format");
  const bool channels_first = format != reader.attrs.end() && format->second.text.starts_with("NC");
  const auto transposed = reader.attrs.find("transpose_b");
  // Grouped convolutions have fewer channels in their weights; nobody wrote them when shapes were left out.
  if (reader.op == "Conv2D" || reader.op == "_FusedConv2D" || reader.op == "DepthwiseConv2dNative")
    dims[channels_first ? 1 : 3] = weights->dims[2];
  if (reader.op == "MatMul" && (transposed == reader.attrs.end() || transposed->second.integer == 0) &&
      !reader.attrs.contains("transpose_a"))
    dims[1] = weights->dims[0];
  return dims;
}

/// Breadth first from the placeholder through what keeps its shape.
std::optional<Dims> guessed_dims(const Body& body, const NodeRecord& node,
                                 const std::vector<NodeRecord>& nodes) {
  std::set<std::string_view> reached{node.name};
  for (bool grows = true; grows;) {
    grows = false;
    for (const NodeRecord& reader : nodes) {
      if (reader.inputs.empty() || reached.contains(reader.name)) continue;
      for (size_t i = 0; i < reader.inputs.size(); ++i) {
        const auto reference = parse_reference(reader.inputs[i]);
        if (!reference || reference->is_control || !reached.contains(reference->node)) continue;
        if (i == 0)
          if (auto dims = dims_for(body, reader)) return dims;
        // The mean that is taken away from a picture is the smaller operand.
        const auto other = constant_shape(source(body, reader, 1 - std::min<size_t>(i, 1)));
        if (!is_same_shape(reader.op) || (reader.inputs.size() > 1 && !other)) continue;
        grows = reached.insert(reader.name).second || grows;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Fact> declared_fact(int64_t type, const ShapeRecord& shape) {
  if (type == kTypeString) return Fact(DType::kU8, Dims(1));
  TRY(const DType dtype, element_type(type));
  if (shape.unknown_rank) return Fact(dtype, std::nullopt);
  if (shape.dims.size() > static_cast<size_t>(kMaxRank))
    return Error::not_supported("{} dimensions, at most {} are", shape.dims.size(), kMaxRank);
  Dims dims;
  int64_t elements = 1;
  for (const int64_t dim : shape.dims) {
    if (dim < 0) {
      dims.emplace_back();
      continue;
    }
    const auto product = checked_mul(elements, std::max<int64_t>(dim, 1));
    if (!product || *product > (int64_t{1} << 48))
      return Error::invalid_model("the product of the dimensions is too large");
    elements = *product;
    dims.emplace_back(dim);
  }
  return Fact(dtype, std::move(dims));
}

Result<Fact> placeholder_fact(const Body& body, const NodeRecord& node,
                              const std::vector<NodeRecord>& nodes) {
  const auto type = node.attrs.find("dtype");
  if (type == node.attrs.end() || type->second.kind != AttrKind::kType)
    return Error::invalid_model("attribute \"dtype\" is missing");
  const auto shape = node.attrs.find("shape");
  ShapeRecord declared{true, {}};
  if (shape != node.attrs.end() && shape->second.kind == AttrKind::kShape) declared = shape->second.shape;
  if (type->second.integer == kTypeString) return declared_fact(kTypeString, declared);
  // Before 2017 a shape that is not known was written as that of a scalar.
  if (declared.unknown_rank || declared.dims.empty())
    if (auto dims = guessed_dims(body, node, nodes)) {
      TRY(const DType dtype, element_type(type->second.integer));
      return Fact(dtype, std::move(dims));
    }
  return declared_fact(type->second.integer, declared);
}

}  // namespace pochade::tensorflow

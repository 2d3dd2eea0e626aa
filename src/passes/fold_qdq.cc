#include "passes/fold_qdq.h"

#include <cmath>

#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/select.h"
#include "ops/matrix/gemm.h"
#include "ops/norm/batch_normalization.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/quantize_linear.h"
#include "ops/reduce/reduce.h"
#include "ops/resize/resize.h"
#include "ops/shape/concat.h"
#include "ops/shape/pad.h"
#include "passes/activated.h"
#include "passes/quantized_values.h"

namespace pochade {
namespace {

using Type = Quantized::Type;

bool is_byte(DType dtype) {
  return dtype == DType::kI8 || dtype == DType::kU8;
}

/// The same meaning in the other 8-bit type: q + 128 or q - 128.
Type as_dtype(const Type& type, DType dtype) {
  if (type.dtype == dtype) return type;
  return quantized_type(dtype, type.scale(), type.zero_point() + (dtype == DType::kU8 ? 128 : -128));
}

Tensor as_dtype(const Tensor& integers, DType dtype) {
  if (integers.dtype() == dtype) return integers;
  Tensor out = Tensor::make(dtype, integers.shape()).value();
  for (int64_t i = 0; i < integers.elements(); ++i)
    out.mutable_bytes()[i] = integers.bytes()[i] ^ std::byte{128};
  return out;
}

bool is_bound(const Activation& act) {
  using Kind = Activation::Kind;
  return act.kind == Kind::kNone || act.kind == Kind::kRelu || act.kind == Kind::kClip;
}

/// An operator on integers in the making.
struct Draft {
  OpPtr op;
  std::vector<ValueId> inputs;
  std::vector<Type> in;
  Type out;  ///< what QuantizeLinear says; the dtype may be exchanged
  Activation act{};

  void add(ValueId value, Type type) {
    inputs.push_back(value);
    in.push_back(std::move(type));
  }
};

class Folder {
 public:
  explicit Folder(const Graph& graph) : graph_(graph), find_(graph), edit_(graph) {}

  Result<Retype> run() && {
    for (const NodeId n : graph_.topological_order()) {
      if (op_as<QuantizeLinear>(*graph_.node(n).op))
        fold_quantize(n);
      else
        fold_move(n);
    }
    if (edit_.empty()) fold_rest();
    // Other readers of integers may pass on what these mean.
    edit_.declare_inner_values();
    for (const GraphOutput& output : graph_.outputs())
      if (const Fact& fact = graph_.fact(output.value); fact.dtype && is_byte(*fact.dtype))
        TRY(edit_.declare_output(output.name));
    return std::move(edit_);
  }

 private:
  // What is known of values.
  // ----------------------------------------------------------------------------------------------------

  /// Of the old graph's value, what it is called now.
  ValueId now(ValueId value) const {
    const auto found = moved_.find(value);
    return found == moved_.end() ? value : found->second;
  }

  /// The 8-bit integers that vary, of which `value` is the dequantization.
  std::optional<QuantizedValue> dequantized(ValueId value) const {
    if (const auto found = known_.find(value); found != known_.end()) return found->second;
    if (value == kNone || find_.producer<DequantizeLinear>(value) == nullptr) return std::nullopt;
    const Node& node = graph_.node(graph_.value(value).producer);
    const Fact& x = graph_.fact(node.inputs[0]);
    if (x.is_constant()) return std::nullopt;
    const auto type = type_of_node(find_, node, x.dtype);
    if (!type || (x.quantization && !(*x.quantization == *type->quantization))) return std::nullopt;
    return QuantizedValue{now(node.inputs[0]), *type};
  }

  // Building.
  // ----------------------------------------------------------------------------------------------------

  /// Empty if the operator refuses what it is given.
  std::vector<ValueId> build(const std::string& name, Quantized op, const std::vector<ValueId>& inputs) {
    op.rounding = Rounding::kOnnx;
    Facts facts;
    for (const ValueId v : inputs) facts.push_back(v == kNone ? Fact() : edit_.graph().fact(v));
    if (!op.infer(facts)) return {};
    return edit_.nodes(name, std::make_shared<const Quantized>(std::move(op)), inputs);
  }

  ValueId requantized(const std::string& name, ValueId integers, const Type& from, const Type& to) {
    if (from == to) return integers;
    Quantized op;
    op.op = make_op(Identity{});
    op.in = {from};
    op.out = {to};
    const auto built = build(name, std::move(op), {integers});
    return built.empty() ? kNone : built[0];
  }

  /// What `q` gave is `integers`, whose Fact says what it means.
  void replace_quantized(const Node& q, ValueId integers) {
    edit_.redirect(q.outputs[0], integers);
    moved_[q.outputs[0]] = integers;
  }

  bool finish(const Node& q, Draft draft, const Type& wanted) {
    Quantized op;
    op.op = std::move(draft.op);
    op.in = std::move(draft.in);
    op.out = {draft.out};
    op.act = draft.act;
    const auto built = build(q.name + "/integers", std::move(op), draft.inputs);
    if (built.empty()) return false;
    const ValueId y =
        requantized(q.name + "/as_" + std::string(to_string(*wanted.dtype)), built[0], draft.out, wanted);
    if (y == kNone) return false;
    replace_quantized(q, y);
    return true;
  }

  // QuantizeLinear and what is before it.
  // ----------------------------------------------------------------------------------------------------

  void fold_quantize(NodeId n) {
    const Node q = graph_.node(n);
    const auto type = type_of_node(find_, q, graph_.fact(q.outputs[0]).dtype);
    if (!type || graph_.fact(q.inputs[0]).dtype != DType::kF32) return;
    if (const auto x = dequantized(q.inputs[0])) {
      if (const ValueId y = requantized(q.name, x->integers, x->type, *type); y != kNone)
        replace_quantized(q, y);
      return;
    }
    const NodeId before = graph_.value(q.inputs[0]).producer;
    if (before == kNone || find_.sole_user(q.inputs[0]) != n) return;
    const Node& node = graph_.node(before);
    if (fold_operator(q, node, Activation(), *type)) return;
    // A bound between the operator and its quantization.
    const auto act = bound_of(node);
    if (!act || find_.sole_user(node.inputs[0]) != before) return;
    if (const NodeId inner = graph_.value(node.inputs[0]).producer; inner != kNone)
      fold_operator(q, graph_.node(inner), *act, *type);
  }

  std::optional<Activation> bound_of(const Node& node) const {
    if (op_as<Relu>(*node.op)) return Activation{Activation::Kind::kRelu, 0, 0};
    if (!op_as<Clip>(*node.op)) return std::nullopt;
    float bounds[] = {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()};
    for (const size_t i : {1, 2}) {
      const ValueId bound = input_of(node, i);
      if (bound == kNone) continue;
      const Tensor tensor = find_.constant(bound);
      if (!tensor.defined() || tensor.elements() != 1 || tensor.dtype() != DType::kF32) return std::nullopt;
      bounds[i - 1] = tensor.data<float>()[0];
    }
    if (!(bounds[0] <= bounds[1])) return std::nullopt;
    return Activation{Activation::Kind::kClip, bounds[0], bounds[1]};
  }

  bool fold_operator(const Node& q, const Node& node, Activation act, const Type& type) {
    const Op& op = *node.op;
    if (const auto own = activation_of(op); own && !is_none(*own)) {
      if (!is_none(act)) return false;
      act = *own;
    }
    if (!is_bound(act) || node.outputs.size() != 1) return false;
    Draft draft;
    draft.out = type;
    draft.act = act;
    const bool found = op_as<ConvTranspose>(op)        ? draft_conv_transpose(node, draft)
                       : op_as<Conv>(op)               ? draft_conv(node, draft)
                       : op_as<Gemm>(op)               ? draft_gemm(node, draft)
                       : op_as<MatMul>(op)             ? draft_matmul(node, draft)
                       : op_as<Concat>(op)             ? draft_alike(node, draft)
                       : op_as<AveragePool>(op)        ? draft_average_pool(node, draft)
                       : op_as<GlobalAveragePool>(op)  ? draft_global_average(node, draft)
                       : op_as<ReduceMean>(op)         ? draft_mean(node, draft)
                       : op_as<BatchNormalization>(op) ? draft_batch_normalization(node, draft)
                       : op_as<Softmax>(op)            ? draft_softmax(node, draft)
                       : is_pairwise(op) ? draft_function(node, draft) || draft_pairs(node, draft) ||
                                               draft_channels(node, draft)
                                         : op.elementwise() && draft_function(node, draft);
    return found && finish(q, std::move(draft), type);
  }

  static bool is_pairwise(const Op& op) {
    return op_as<Add>(op) || op_as<Sub>(op) || op_as<Mul>(op) || op_as<PRelu>(op);
  }

  // Weights.
  // ----------------------------------------------------------------------------------------------------

  /// 8-bit weights with scales along `axis`, or one, and the same zero point everywhere.
  std::optional<QuantizedConstant> weights(ValueId value, int axis) const {
    auto w = dequantized_constant(find_, value);
    if (!w || !is_byte(w->integers.dtype()) || (w->axis != axis && w->axis != -1)) return std::nullopt;
    for (const int32_t zero : w->zero_point)
      if (zero != w->zero_point[0]) return std::nullopt;
    return w;
  }

  static constexpr double kMostCounts = 1e9;  ///< of a bias: leaves room for the sum of products

  /// Whether a channel's results are all nearer to 0 than to the next integer: quantizers write channels
  /// whose weights are 0 with a scale next to 0 and a bias beyond all bounds, and any other bias does as
  /// well. `step`: x scale * w scale
  static bool comes_to_nothing(double bias_count, const Tensor& w, double step, const Draft& draft) {
    const double products = static_cast<double>(w.elements() / w.shape()[0]) * 255 * 255;
    return (std::abs(bias_count) + products) * step < 0.49 * static_cast<double>(draft.out.scale());
  }

  /// Counts the bias in x scale * w scale * `unit`. False: it cannot be.
  bool add_bias(const Node& node, const QuantizedConstant& w, float unit, size_t channels, Draft& draft) {
    const ValueId bias = input_of(node, 2);
    if (bias == kNone) return true;
    std::vector<float> scales;
    for (const float scale : w.scale) scales.push_back(draft.in[0].scale() * scale);
    const auto given = dequantized_constant(find_, bias);
    const Tensor real = find_.constant(bias);
    const bool is_given = given && given->integers.dtype() == DType::kI32;
    if (!is_given && !(real.defined() && real.dtype() == DType::kF32)) return false;
    const int64_t size = is_given ? given->integers.elements() : real.elements();
    if (size != static_cast<int64_t>(channels) && size != 1) return false;
    std::vector<int32_t> counts;
    for (size_t o = 0; o < channels; ++o) {
      const size_t from = size == 1 ? 0 : o;
      const double step = static_cast<double>(scales[scales.size() == 1 ? 0 : o]);
      double count;
      if (is_given) {
        const double ratio = static_cast<double>(given->scale_of(from)) * static_cast<double>(unit) / step;
        count = static_cast<double>(
            given->integers.data<int32_t>()[from] -
            static_cast<int64_t>(given->zero_point[given->zero_point.size() == 1 ? 0 : from]));
        if (!(std::abs(ratio - 1) <= 1e-6)) count *= ratio;
      } else {
        count = static_cast<double>(real.data<float>()[from]) * static_cast<double>(unit) / step;
      }
      if (!(std::abs(count) <= kMostCounts) && !comes_to_nothing(count, w.integers, step, draft))
        return false;
      count = std::clamp(count, -kMostCounts, kMostCounts);
      counts.push_back(static_cast<int32_t>(round_value(count, Rounding::kOnnx)));
    }
    const Tensor tensor = Tensor::of<int32_t>({static_cast<int64_t>(channels)}, counts);
    draft.add(edit_.constant(graph_.value(bias).name, tensor), scales.size() == 1
                                                                   ? quantized_type(DType::kI32, scales[0], 0)
                                                                   : quantized_type(DType::kI32, scales, 0));
    return true;
  }

  bool add_varying(ValueId value, Draft& draft) {
    const auto x = dequantized(value);
    if (x) draft.add(x->integers, x->type);
    return x.has_value();
  }

  bool draft_conv(const Node& node, Draft& draft) {
    Conv conv = static_cast<const Conv&>(*node.op);
    conv.act = {};
    draft.op = make_op(conv);
    const auto w = weights(node.inputs[1], 0);
    if (!w || conv.pad_mode != PadMode::kZero || !add_varying(node.inputs[0], draft)) return false;
    draft.add(edit_.constant(graph_.value(node.inputs[1]).name, w->integers), w->type());
    return add_bias(node, *w, 1, static_cast<size_t>(w->integers.shape()[0]), draft);
  }

  bool draft_conv_transpose(const Node& node, Draft& draft) {
    ConvTranspose conv = static_cast<const ConvTranspose&>(*node.op);
    conv.act = {};
    draft.op = make_op(conv);
    const auto w = weights(node.inputs[1], 0);
    if (!w || w->integers.rank() > 4 || !add_varying(node.inputs[0], draft)) return false;
    draft.add(edit_.constant(graph_.value(node.inputs[1]).name, w->integers), w->type());
    return add_bias(node, *w, 1, static_cast<size_t>(w->integers.shape()[0]), draft);
  }

  bool draft_gemm(const Node& node, Draft& draft) {
    const auto& op = static_cast<const Gemm&>(*node.op);
    const Fact& bias =
        node.inputs.size() > 2 && node.inputs[2] != kNone ? graph_.fact(node.inputs[2]) : Fact();
    const bool row_bias =
        bias.present() && (!bias.rank_known() || bias.rank() > 2 || (bias.rank() == 2 && !bias.dim(0).is(1)));
    auto w = weights(node.inputs[1], op.transpose_b ? 0 : 1);
    if (!w || op.transpose_a || row_bias || !(op.alpha > 0) || !add_varying(node.inputs[0], draft))
      return false;
    if (!op.transpose_b) {
      const Shape shape = w->integers.shape();
      Tensor turned = Tensor::make(w->integers.dtype(), Shape{shape[1], shape[0]}).value();
      for (int64_t k = 0; k < shape[0]; ++k)
        for (int64_t n = 0; n < shape[1]; ++n)
          turned.mutable_bytes()[n * shape[0] + k] = w->integers.bytes()[k * shape[1] + n];
      w->integers = turned;
      if (w->axis == 1) w->axis = 0;
    }
    for (float& scale : w->scale) scale *= op.alpha;
    draft.op = make_op<Gemm>([](Gemm& gemm) { gemm.transpose_b = true; });
    draft.add(edit_.constant(graph_.value(node.inputs[1]).name, w->integers), w->type());
    return add_bias(node, *w, op.beta, static_cast<size_t>(w->integers.shape()[0]), draft);
  }

  bool draft_matmul(const Node& node, Draft& draft) {
    const auto w = weights(node.inputs[1], 1);
    const Fact& x = graph_.fact(node.inputs[0]);
    if (!w || w->integers.rank() != 2 || !x.rank_known() || x.rank() < 2) return false;
    if (!add_varying(node.inputs[0], draft)) return false;
    draft.op = node.op;
    draft.add(edit_.constant(graph_.value(node.inputs[1]).name, w->integers), w->type());
    return true;
  }

  // Other operators.
  // ----------------------------------------------------------------------------------------------------

  /// All inputs vary or are 8-bit constants; those that need it get the dtype of the first.
  bool draft_alike(const Node& node, Draft& draft) {
    draft.op = node.op;
    std::optional<DType> dtype;
    for (const ValueId value : node.inputs)
      if (const auto x = dequantized(value); x && !dtype) dtype = x->type.dtype;
    if (!dtype) return false;
    for (const ValueId value : node.inputs) {
      if (const auto x = dequantized(value)) {
        const Type type = as_dtype(x->type, *dtype);
        draft.add(requantized(graph_.value(value).name + "/as_first", x->integers, x->type, type), type);
        continue;
      }
      const auto constant = dequantized_constant(find_, value);
      if (!constant || constant->axis >= 0 || !is_byte(constant->integers.dtype())) return false;
      draft.add(edit_.constant(graph_.value(value).name, as_dtype(constant->integers, *dtype)),
                as_dtype(constant->type(), *dtype));
    }
    draft.out = as_dtype(draft.out, *dtype);
    return true;
  }

  bool draft_pairs(const Node& node, Draft& draft) {
    return node.inputs.size() == 2 && draft_alike(node, draft);
  }

  /// A sum with or a product by real constants, one a channel: a normalization whose mean is 0 and
  /// variance 1.
  bool draft_channels(const Node& node, Draft& draft) {
    const bool is_product = op_as<Mul>(*node.op) != nullptr;
    if (!is_product && !op_as<Add>(*node.op)) return false;
    const size_t varying = dequantized(node.inputs[0]) ? 0 : 1;
    const Fact& x = graph_.fact(node.inputs[varying]);
    if (!x.rank_known() || x.rank() < 2 || !x.dim(x.rank() - 1).is_number()) return false;
    const int64_t channels = x.dim(x.rank() - 1).number();
    const auto constants = channel_values(find_.constant(node.inputs[1 - varying]), x.rank(), channels);
    if (!constants) return false;
    std::vector<float> scale(constants->size(), 1), bias(constants->size(), 0);
    for (size_t c = 0; c < constants->size(); ++c) {
      (is_product ? scale : bias)[c] = static_cast<float>((*constants)[c]);
      if (!std::isfinite((*constants)[c])) return false;
    }
    draft = Draft{
        make_op<BatchNormalization>([](auto& norm) { norm.epsilon = 0; }), {}, {}, draft.out, draft.act};
    if (!add_varying(node.inputs[varying], draft)) return false;
    draft.out = as_dtype(draft.out, *draft.in[0].dtype);
    const auto add = [&](const char* name, const std::vector<float>& values) {
      draft.add(edit_.constant(format("{}/{}", node.name, name), Tensor::of<float>({channels}, values)), {});
    };
    add("scale", scale);
    add("bias", bias);
    add("mean", std::vector<float>(scale.size(), 0));
    add("variance", std::vector<float>(scale.size(), 1));
    return true;
  }

  /// One input varies; the others, if any, are parameters.
  bool draft_one(const Node& node, OpPtr op, Draft& draft) {
    draft.op = std::move(op);
    if (!add_varying(node.inputs[0], draft)) return false;
    draft.out = as_dtype(draft.out, *draft.in[0].dtype);
    for (size_t i = 1; i < node.inputs.size(); ++i) draft.add(node.inputs[i], {});
    return true;
  }

  bool draft_average_pool(const Node& node, Draft& draft) {
    const auto& pool = static_cast<const AveragePool&>(*node.op);
    const bool uneven = pool.count_include_pad && pool.window.ceil_mode;
    return !uneven && pool.kernel.size() <= 2 && draft_one(node, node.op, draft);
  }

  bool draft_global_average(const Node& node, Draft& draft) {
    const Fact& x = graph_.fact(node.inputs[0]);
    if (!x.rank_known() || x.rank() < 3 || !draft_one(node, make_op(ReduceMean{}), draft)) return false;
    std::vector<int64_t> axes;
    for (int axis = 1; axis + 1 < x.rank(); ++axis) axes.push_back(axis);
    draft.add(
        edit_.constant(node.name + "/axes", Tensor::of<int64_t>({static_cast<int64_t>(axes.size())}, axes)),
        {});
    return true;
  }

  bool draft_mean(const Node& node, Draft& draft) {
    Facts facts;
    for (const ValueId v : node.inputs) facts.push_back(v == kNone ? Fact() : graph_.fact(v));
    const auto axes = reduced_axes(static_cast<const ReduceMean&>(*node.op), facts);
    if (!axes || !*axes || (*axes)->empty()) return false;
    for (size_t i = 1; i < (*axes)->size(); ++i)
      if ((**axes)[i] != (**axes)[i - 1] + 1) return false;
    return draft_one(node, node.op, draft);
  }

  bool draft_batch_normalization(const Node& node, Draft& draft) {
    BatchNormalization op = static_cast<const BatchNormalization&>(*node.op);
    op.act = {};
    if (op.training) return false;
    for (size_t i = 1; i < node.inputs.size(); ++i)
      if (!find_.is_constant(node.inputs[i])) return false;
    return draft_one(node, make_op(op), draft);
  }

  bool draft_softmax(const Node& node, Draft& draft) {
    const auto& softmax = static_cast<const Softmax&>(*node.op);
    const Fact& x = graph_.fact(node.inputs[0]);
    if (!x.rank_known() || x.rank() < 1) return false;
    const auto axis = normal_axis(softmax.axis, x.rank());
    return axis && (softmax.to_end || *axis == x.rank() - 1) && draft_one(node, node.op, draft);
  }

  /// An elementwise operator of one varying input and single constants: a table.
  bool draft_function(const Node& node, Draft& draft) {
    draft.op = node.op;
    int varying = 0;
    Fact x;
    for (const ValueId value : node.inputs) {
      if (value == kNone) {
        draft.add(kNone, {});
      } else if (const auto integers = dequantized(value)) {
        draft.add(integers->integers, integers->type);
        x = graph_.fact(value);
        ++varying;
      } else if (const Tensor single = single_constant(value); single.defined()) {
        draft.add(edit_.constant(graph_.value(value).name, single), {});
      } else {
        break;
      }
    }
    // The same shape goes out, and no other value varies.
    const bool found = varying == 1 && draft.inputs.size() == node.inputs.size() &&
                       same_type_and_shape_or_rank(x, graph_.fact(node.outputs[0]));
    if (!found) draft = Draft{nullptr, {}, {}, draft.out, draft.act};
    return found;
  }

  /// A single constant cannot add axes to y if y has x's rank.
  static bool same_type_and_shape_or_rank(const Fact& x, const Fact& y) {
    return y.dtype == DType::kF32 && x.rank_known() && y.rank_known() && x.rank() == y.rank();
  }

  /// A constant of one element, of float32 or for a parameter.
  Tensor single_constant(ValueId value) const {
    const Tensor constant = find_.constant(value);
    if (constant.defined()) return constant.elements() == 1 ? constant : Tensor();
    const auto quantized = dequantized_constant(find_, value);
    if (!quantized || quantized->integers.elements() != 1) return {};
    const int64_t level = to_int64s(quantized->integers)[0] - quantized->zero_point[0];
    Tensor out = Tensor::make(DType::kF32, quantized->integers.shape()).value();
    out.mutable_data<float>()[0] = static_cast<float>(level) * quantized->scale[0];
    return out;
  }

  // Moves of elements.
  // ----------------------------------------------------------------------------------------------------

  bool moves_elements(const Node& node) const {
    const Op& op = *node.op;
    static const std::set<std::string_view> names = {
        "DepthToSpace", "Expand",       "Flatten", "Gather",    "GatherElements",
        "GatherND",     "Identity",     "Reshape", "Slice",     "Split",
        "Squeeze",      "SpaceToDepth", "Tile",    "Transpose", "Unsqueeze"};
    if (const auto* pool = op_as<MaxPool>(op)) return !pool->with_indices && pool->kernel.size() <= 2;
    if (const auto* resize = op_as<Resize>(op))
      return resize->mode == Resize::Mode::kNearest && !resize->antialias &&
             resize->coordinates != Resize::Coordinates::kTfCropAndResize;
    if (const auto* pad = op_as<Pad>(op)) {
      const ValueId value = input_of(node, 2);
      return pad->mode != PadFill::kConstant || value == kNone || all_elements_are(find_.constant(value), 0);
    }
    return names.contains(op.name());
  }

  /// What moves real numbers moves the integers instead, and DequantizeLinear comes after it. What moves
  /// integers already says what they mean.
  void fold_move(NodeId n) {
    const Node& node = graph_.node(n);
    if (node.inputs.empty() || node.inputs[0] == kNone) return;
    const auto real = dequantized(node.inputs[0]);
    const auto x = real ? real : meaningful(node.inputs[0]);
    if (!x || !moves_elements(node)) return;
    // Zeros of integers are not those of real numbers.
    const auto* pad = op_as<Pad>(*node.op);
    if (pad != nullptr && !real && pad->mode == PadFill::kConstant && !pads_zero_point(node, x->type)) return;
    Quantized op;
    op.op = node.op;
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = x->integers;
    if (op_as<Pad>(*node.op) && inputs.size() > 2) inputs[2] = kNone;
    op.in.assign(inputs.size(), Type());
    op.in[0] = x->type;
    op.out.assign(node.outputs.size(), x->type);
    const bool is_identity = op_as<Identity>(*node.op) != nullptr;
    const auto integers = is_identity ? inputs : build(node.name + "/integers", std::move(op), inputs);
    for (size_t i = 0; i < integers.size(); ++i) {
      const ValueId y = node.outputs[i];
      if (real) {
        known_[y] = {integers[i], x->type};
        edit_.redirect(y, dequantize(graph_.value(y).name, {integers[i], x->type}));
      } else {
        edit_.redirect(y, integers[i]);
        moved_[y] = integers[i];
      }
    }
  }

  bool pads_zero_point(const Node& pad, const Type& type) const {
    const ValueId value = input_of(pad, 2);
    return value == kNone ? type.zero_point() == 0
                          : all_elements_are(find_.constant(value), static_cast<double>(type.zero_point()));
  }

  /// 8-bit integers whose Fact says what they mean.
  std::optional<QuantizedValue> meaningful(ValueId value) const {
    const ValueId v = now(value);
    const Fact& fact = edit_.graph().fact(v);
    const bool plain = fact.dtype && is_byte(*fact.dtype) && !fact.is_constant() && fact.quantization &&
                       fact.quantization->axis < 0 && fact.quantization->block == 0;
    return plain ? std::optional(QuantizedValue{v, {fact.dtype, fact.quantization}}) : std::nullopt;
  }

  ValueId dequantize(const std::string& name, const QuantizedValue& value) {
    const Tensor scale = Tensor::scalar(value.type.scale());
    Tensor zero = Tensor::scalar<int32_t>(value.type.zero_point()).cast(*value.type.dtype).value();
    return edit_.node(name + "/real", make_op(DequantizeLinear{}),
                      {value.integers, edit_.constant(name + "/scale", scale),
                       edit_.constant(name + "/zero_point", std::move(zero))});
  }

  // What is left.
  // ----------------------------------------------------------------------------------------------------

  void fold_rest() {
    for (const NodeId n : graph_.topological_order()) {
      const Node node = graph_.node(n);
      const bool in = op_as<DequantizeLinear>(*node.op) != nullptr;
      if ((!in && !op_as<QuantizeLinear>(*node.op)) || find_.is_constant(node.inputs[0])) continue;
      const Fact &x = graph_.fact(node.inputs[0]), &y = graph_.fact(node.outputs[0]);
      const auto type = type_of_node(find_, node, in ? x.dtype : y.dtype);
      if (!type || (in ? y : x).dtype != DType::kF32) continue;
      Quantized op;
      op.op = make_op(Identity{});
      op.in = {in ? *type : Type()};
      op.out = {in ? Type() : *type};
      const auto built = build(node.name, std::move(op), {now(node.inputs[0])});
      if (built.empty()) continue;
      if (in)
        edit_.redirect(node.outputs[0], built[0]);
      else
        replace_quantized(node, built[0]);
    }
  }

  const Graph& graph_;
  const Finder find_;
  Retype edit_;
  std::map<ValueId, QuantizedValue> known_;  // dequantized values of the old graph, where moved
  std::map<ValueId, ValueId> moved_;         // quantized values of the old graph: what replaced them
};

}  // namespace

Result<Retype> fold_qdq(const Graph& graph) {
  return Folder(graph).run();
}

}  // namespace pochade

#include "formats/expand.h"

#include "formats/expand_quantized.h"
#include "formats/expand_rows.h"

#include <algorithm>
#include <cmath>

#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/elementwise/activations.h"
#include "ops/elementwise/binary.h"
#include "ops/elementwise/chain.h"
#include "ops/elementwise/select.h"
#include "ops/norm/softmax.h"
#include "ops/pool/average_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/quant/quantize_linear.h"
#include "ops/quant/quantize_rows.h"
#include "ops/shape/generate.h"
#include "ops/shape/pad.h"
#include "ops/shape/reshape.h"
#include "passes/activated.h"

namespace pochade {
namespace {

class Expander {
 public:
  Expander(const Graph& graph, const Vocabulary& vocabulary)
      : copy_(graph),
        vocabulary_(vocabulary),
        quantized_(
            copy_,
            [this](const std::string& name, const OpPtr& op, const Inputs& in) { return add(name, op, in); },
            [this](const std::string& name, const Activation& act, ValueId x) {
              return activation(name, act, x);
            }) {}

  Result<Graph> run() {
    for (const NodeId id : copy_.order()) {
      const Node& node = copy_.from().node(id);
      if (const auto* op = op_as<Quantized>(*node.op); op != nullptr && !vocabulary_.quantized) {
        TRY(const std::vector<ValueId> made, quantized_.expand(node.name, *op, copy_.now(node.inputs))
                                                 .context("node \"{}\" ({})", node.name, node.op->name()));
        for (size_t i = 0; i < made.size(); ++i) copy_.set(node.outputs[i], made[i]);
        continue;
      }
      if (const auto* rows = op_as<QuantizeRows>(*node.op); rows != nullptr && !vocabulary_.quantized) {
        TRY(expand_quantize_rows(copy_, node, *rows).context("node \"{}\" ({})", node.name, node.op->name()));
        continue;
      }
      TRY(const std::optional<ValueId> made, expanded(node.name, node.op, copy_.now(node.inputs))
                                                 .context("node \"{}\" ({})", node.name, node.op->name()));
      if (made)
        copy_.set(node.outputs[0], *made);
      else
        TRY(copy_.copy(id));
    }
    return std::move(copy_).finish();
  }

 private:
  using Inputs = std::vector<ValueId>;
  using Made = Result<std::optional<ValueId>>;
  using Expansion = Result<ValueId> (Expander::*)(const std::string& name, const Op& op, const Inputs& in);

  /// The output of the operator in other words; empty if it needs none.
  Made expanded(const std::string& name, const OpPtr& op, const Inputs& in) {
    const auto act = activation_of(*op);
    if (act && !is_none(*act) &&
        (vocabulary_.has_activation == nullptr || !vocabulary_.has_activation(*op, *act))) {
      TRY(const ValueId y, add(name + "/linear", with_activation(*op, Activation{}), in));
      TRY(const ValueId out, activation(name, *act, y));
      return std::optional(out);
    }
    if (vocabulary_.operators.contains(op->name())) return std::optional<ValueId>();
    if (vocabulary_.pictures_only) {
      const auto* quantized = op_as<Quantized>(*op);
      TRY(const std::optional<ValueId> made,
          as_picture(name, quantized != nullptr ? *quantized->op : *op, in, quantized));
      if (made) return made;
    }
    if (vocabulary_.quantized) {
      TRY(const std::optional<ValueId> made, as_quantized(name, *op, in));
      if (made) return made;
    }
    const Expansion expansion = find(*op);
    if (expansion == nullptr) return std::optional<ValueId>();
    TRY(const ValueId out, (this->*expansion)(name, *op, in));
    return std::optional(out);
  }

  static Expansion find(const Op& op) {
    if (op_as<Chain>(op)) return &Expander::chain;
    if (const auto* conv = op_as<Conv>(op))
      return conv->pad_mode == PadMode::kZero && !cuts(conv->window) ? nullptr : &Expander::padded_conv;
    if (const auto* conv = op_as<ConvTranspose>(op))
      return conv->groups == 1 ? nullptr : &Expander::grouped_conv_transpose;
    if (op_as<Silu>(op)) return &Expander::silu;
    if (op_as<HardSwish>(op)) return &Expander::hard_swish;
    if (op_as<Mish>(op)) return &Expander::mish;
    if (const auto* gelu = op_as<Gelu>(op))
      return gelu->tanh_approximation ? &Expander::gelu_by_tanh : &Expander::gelu;
    if (const auto* softmax = op_as<Softmax>(op))
      return softmax->to_end ? &Expander::flat_softmax<Softmax> : nullptr;
    if (const auto* softmax = op_as<LogSoftmax>(op))
      return softmax->to_end ? &Expander::flat_softmax<LogSoftmax> : nullptr;
    return nullptr;
  }

  /// Adds an operator in the words of the format.
  Result<ValueId> add(const std::string& name, const OpPtr& op, const Inputs& in) {
    TRY(const std::optional<ValueId> made, expanded(name, op, in));
    if (made) return *made;
    return copy_.add(name, op, in);
  }
  template <typename D>
    requires std::derived_from<D, Op>
  Result<ValueId> add(const std::string& name, D op, const Inputs& in) {
    return add(name, make_op(std::move(op)), in);
  }

  /// A constant of x's type.
  Result<ValueId> number(const std::string& name, double value, ValueId like) {
    TRY(Tensor tensor, Tensor::scalar<double>(value).cast(*copy_.graph().fact(like).dtype));
    return copy_.constant(name, std::move(tensor));
  }
  ValueId integers(const std::string& name, const std::vector<int64_t>& values) {
    return copy_.constant(name, Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  }

  Result<ValueId> activation(const std::string& name, const Activation& act, ValueId x) {
    using Kind = Activation::Kind;
    switch (act.kind) {
      case Kind::kNone:
        return x;
      case Kind::kRelu:
        return add(name, Relu{}, {x});
      case Kind::kClip: {
        ValueId low = kNone, high = kNone;
        if (std::isfinite(act.a)) {
          TRY(low, number(name + "/low", static_cast<double>(act.a), x));
        }
        if (std::isfinite(act.b)) {
          TRY(high, number(name + "/high", static_cast<double>(act.b), x));
        }
        return add(name, Clip{}, {x, low, high});
      }
      case Kind::kLeakyRelu:
        return add(name, make_op<LeakyRelu>([&](LeakyRelu& op) { op.alpha = act.a; }), {x});
      case Kind::kSigmoid:
        return add(name, Sigmoid{}, {x});
      case Kind::kTanh:
        return add(name, Tanh{}, {x});
      case Kind::kHardSigmoid:
        return add(name, make_op<HardSigmoid>([&](HardSigmoid& op) { op.alpha = act.a, op.beta = act.b; }),
                   {x});
      case Kind::kHardSwish:
        return add(name, HardSwish{}, {x});
      case Kind::kSilu:
        return add(name, Silu{}, {x});
      case Kind::kGelu:
        return add(name, Gelu{}, {x});
      case Kind::kElu:
        return add(name, make_op<Elu>([&](Elu& op) { op.alpha = act.a; }), {x});
    }
    return Error::not_supported("an activation that is not known");
  }

  Result<ValueId> chain(const std::string& name, const Op& op, const Inputs& in) {
    const auto& links = op_as<Chain>(op)->links;
    ValueId running = kNone;
    for (size_t i = 0; i < links.size(); ++i) {
      Inputs operands;
      for (const int64_t operand : links[i].operands)
        operands.push_back(operand == Chain::kRunning   ? running
                           : operand == Chain::kMissing ? kNone
                                                        : in[static_cast<size_t>(operand)]);
      TRY(running, add(i + 1 < links.size() ? format("{}/{}", name, i) : name, links[i].op, operands));
    }
    return running;
  }

  /// Negative pads, which other formats do not have.
  static bool cuts(const Window& window) {
    const auto negative = [](int64_t pad) { return pad < 0; };
    return std::ranges::any_of(window.pads_begin, negative) || std::ranges::any_of(window.pads_end, negative);
  }

  /// Padding that is not zeros, or less than none: by a Pad before the convolution.
  Result<ValueId> padded_conv(const std::string& name, const Op& op, const Inputs& in) {
    Conv conv = *op_as<Conv>(op);
    const int rank = copy_.graph().fact(in[1]).rank();
    std::vector<int64_t> pads(static_cast<size_t>(rank) * 2, 0);
    for (size_t axis = 0; axis + 2 < static_cast<size_t>(rank); ++axis) {
      int64_t begin = conv.window.pad_begin(axis), end = conv.window.pad_end(axis);
      if (conv.window.auto_pad != AutoPad::kExplicit) {
        const Dim& size = copy_.graph().fact(in[0]).dim(static_cast<int>(axis) + 1);
        const Dim& kernel = copy_.graph().fact(in[1]).dim(static_cast<int>(axis) + 1);
        if (!size.is_number() || !kernel.is_number())
          return Error::not_supported("its padding depends on a size that is not known");
        TRY(const WindowAxis resolved, conv.window.resolve(axis, kernel.number(), size.number()));
        begin = resolved.pad_begin, end = resolved.pad_end;
      }
      pads[axis + 1] = begin;
      pads[static_cast<size_t>(rank) + axis + 1] = end;
    }
    Pad pad;
    pad.mode = conv.pad_mode == PadMode::kReflect ? PadFill::kReflect
               : conv.pad_mode == PadMode::kEdge  ? PadFill::kEdge
                                                  : PadFill::kConstant;
    conv.pad_mode = PadMode::kZero;
    conv.window.auto_pad = AutoPad::kExplicit;
    conv.window.pads_begin.clear();
    conv.window.pads_end.clear();
    TRY(const ValueId padded, add(name + "/padded", pad, {in[0], integers(name + "/pads", pads)}));
    Inputs inputs = in;
    inputs[0] = padded;
    return add(name, std::move(conv), inputs);
  }

  /// Readers of other formats reorder such weights by several nodes: here they become one constant.
  Result<ValueId> grouped_conv_transpose(const std::string& name, const Op& op, const Inputs& in) {
    Inputs inputs = in;
    if (!copy_.graph().fact(in[1]).is_constant()) {
      TRY(Tensor weights, constant_value(copy_.graph(), in[1]));
      if (weights.defined()) inputs[1] = copy_.constant(name + "/weights", std::move(weights));
    }
    return copy_.add(name, ConvTranspose(*op_as<ConvTranspose>(op)), std::move(inputs));
  }

  static void prepend(std::vector<int64_t>& list, int64_t value) {
    if (!list.empty()) list.insert(list.begin(), value);
  }
  static void prepend(Window& window) {
    prepend(window.strides, 1);
    prepend(window.dilations, 1);
    prepend(window.pads_begin, 0);
    prepend(window.pads_end, 0);
  }
  /// An operator that only reshapes, on integers if these are their types.
  template <typename D>
  static OpPtr reshaping(const Quantized* types, const Quantized::Type& type) {
    if (types == nullptr) return make_op(D{});
    Quantized out;
    out.op = make_op(D{});
    out.in = {type, {}};
    out.out = {type};
    out.rounding = types->rounding;
    return make_op(std::move(out));
  }
  Result<ValueId> with_height(const std::string& name, ValueId value, const Quantized* types, size_t i) {
    const Fact& fact = copy_.graph().fact(value);
    if (fact.is_constant()) {
      std::vector<int64_t> sizes(fact.constant.shape().begin(), fact.constant.shape().end());
      sizes.insert(sizes.begin() + 1, 1);
      return copy_.constant(name, fact.constant.reshaped(Shape(sizes)));
    }
    const Quantized::Type type = types == nullptr ? Quantized::Type() : types->in.at(i);
    return add(name, reshaping<Unsqueeze>(types, type), {value, integers(name + "/axes", {1})});
  }

  /// A window over N,W,C as one over N,1,W,C; on integers if `types` are given.
  Made as_picture(const std::string& name, const Op& op, const Inputs& in, const Quantized* types) {
    const Fact& x = copy_.graph().fact(in[0]);
    if (!x.rank_known() || x.rank() != 3) return std::optional<ValueId>();
    OpPtr flat;
    bool has_weights = true;
    if (const auto* conv = op_as<Conv>(op); conv != nullptr && conv->pad_mode == PadMode::kZero) {
      flat = make_op<Conv>([&](Conv& y) { y = *conv, prepend(y.window); });
    } else if (const auto* back = op_as<ConvTranspose>(op)) {
      flat = make_op<ConvTranspose>([&](ConvTranspose& y) {
        y = *back;
        prepend(y.window);
        prepend(y.output_padding, 0);
        prepend(y.output_shape, 1);
      });
    } else if (const auto* largest = op_as<MaxPool>(op); largest != nullptr && !largest->with_indices) {
      has_weights = false;
      flat = make_op<MaxPool>([&](MaxPool& y) { y = *largest, prepend(y.window), prepend(y.kernel, 1); });
    } else if (const auto* mean = op_as<AveragePool>(op)) {
      has_weights = false;
      flat =
          make_op<AveragePool>([&](AveragePool& y) { y = *mean, prepend(y.window), prepend(y.kernel, 1); });
    }
    if (flat == nullptr) return std::optional<ValueId>();
    Inputs inputs = in;
    TRY(inputs[0], with_height(name + "/high", in[0], types, 0));
    if (has_weights) {
      TRY(inputs[1], with_height(name + "/weights", in[1], types, 1));
    }
    if (types != nullptr) flat = make_op<Quantized>([&](Quantized& y) { y = *types, y.op = flat; });
    TRY(const ValueId y, add(name + "/picture", flat, inputs));
    const Quantized::Type type = types == nullptr ? Quantized::Type() : types->out.at(0);
    TRY(const ValueId out, add(name, reshaping<Squeeze>(types, type), {y, integers(name + "/axes", {1})}));
    return std::optional(out);
  }

  /// QuantizeLinear and DequantizeLinear of constant scales: between a value and its integers.
  Made as_quantized(const std::string& name, const Op& op, const Inputs& in) {
    const auto* to = op_as<QuantizeLinear>(op);
    const auto* from = op_as<DequantizeLinear>(op);
    if (to == nullptr && from == nullptr) return std::optional<ValueId>();
    const Fact& scale = copy_.graph().fact(in[1]);
    const Fact zero = in.size() > 2 && in[2] != kNone ? copy_.graph().fact(in[2]) : Fact();
    if (!scale.is_constant() || (zero.present() && !zero.is_constant()) || scale.constant.elements() != 1)
      return std::optional<ValueId>();
    const DType dtype = from != nullptr  ? *copy_.graph().fact(in[0]).dtype
                        : zero.present() ? *zero.dtype
                                         : to->dtype;
    const auto type = quantized_type(dtype, to_floats(scale.constant)[0],
                                     zero.present() ? static_cast<int32_t>(to_floats(zero.constant)[0]) : 0);
    Quantized node;
    node.op = make_op(Identity{});
    node.in = {from != nullptr ? type : Quantized::Type{}};
    node.out = {to != nullptr ? type : Quantized::Type{}};
    if (to != nullptr) node.rounding = to->rounding;
    TRY(const ValueId made, copy_.add(name, std::move(node), {in[0]}));
    return std::optional(made);
  }

  Result<ValueId> silu(const std::string& name, const Op&, const Inputs& in) {
    TRY(const ValueId gate, add(name + "/gate", Sigmoid{}, in));
    return add(name, Mul{}, {in[0], gate});
  }

  Result<ValueId> hard_swish(const std::string& name, const Op&, const Inputs& in) {
    const auto sixth = make_op<HardSigmoid>([](HardSigmoid& op) { op.alpha = 1.0f / 6, op.beta = 0.5f; });
    TRY(const ValueId gate, add(name + "/gate", sixth, in));
    return add(name, Mul{}, {in[0], gate});
  }

  Result<ValueId> mish(const std::string& name, const Op&, const Inputs& in) {
    TRY(const ValueId soft, add(name + "/softplus", Softplus{}, in));
    TRY(const ValueId gate, add(name + "/gate", Tanh{}, {soft}));
    return add(name, Mul{}, {in[0], gate});
  }

  /// x / 2 * (1 + gate)
  Result<ValueId> half_of_gated(const std::string& name, ValueId x, ValueId gate) {
    TRY(const ValueId one, number(name + "/one", 1, x));
    TRY(const ValueId half, number(name + "/half", 0.5, x));
    TRY(const ValueId more, add(name + "/more", Add{}, {gate, one}));
    TRY(const ValueId halved, add(name + "/halved", Mul{}, {x, half}));
    return add(name, Mul{}, {halved, more});
  }

  Result<ValueId> gelu(const std::string& name, const Op&, const Inputs& in) {
    TRY(const ValueId scale, number(name + "/scale", std::sqrt(0.5), in[0]));
    TRY(const ValueId scaled, add(name + "/scaled", Mul{}, {in[0], scale}));
    TRY(const ValueId erf, add(name + "/erf", Erf{}, {scaled}));
    return half_of_gated(name, in[0], erf);
  }

  Result<ValueId> gelu_by_tanh(const std::string& name, const Op&, const Inputs& in) {
    const ValueId x = in[0];
    TRY(const ValueId square, add(name + "/square", Mul{}, {x, x}));
    TRY(const ValueId cube, add(name + "/cube", Mul{}, {square, x}));
    TRY(const ValueId third, number(name + "/third", 0.044715, x));
    TRY(const ValueId bent, add(name + "/bent", Mul{}, {cube, third}));
    TRY(const ValueId sum, add(name + "/sum", Add{}, {x, bent}));
    TRY(const ValueId scale, number(name + "/scale", std::sqrt(2 / 3.14159265358979323846), x));
    TRY(const ValueId scaled, add(name + "/scaled", Mul{}, {sum, scale}));
    TRY(const ValueId tanh, add(name + "/tanh", Tanh{}, {scaled}));
    return half_of_gated(name, x, tanh);
  }

  /// Several axes at once: as one axis of a matrix.
  template <typename D>
  Result<ValueId> flat_softmax(const std::string& name, const Op& op, const Inputs& in) {
    Flatten flatten;
    flatten.axis = op_as<D>(op)->axis;
    TRY(const ValueId flat, add(name + "/flat", flatten, in));
    D soft;
    soft.axis = 1;
    TRY(const ValueId y, add(name + "/rows", soft, {flat}));
    TRY(const ValueId shape, add(name + "/shape", ShapeOp{}, in));
    return add(name, Reshape{}, {y, shape});
  }

  GraphCopy copy_;
  const Vocabulary& vocabulary_;
  QuantizedExpander quantized_;
};

}  // namespace

Result<Graph> expand(const Graph& graph, const Vocabulary& vocabulary) {
  return Expander(graph, vocabulary).run();
}

}  // namespace pochade

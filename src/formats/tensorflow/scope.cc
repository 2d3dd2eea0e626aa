#include "formats/tensorflow/scope.h"

#include <algorithm>
#include <array>

#include "ops/elementwise/select.h"
#include "ops/index/gather.h"
#include "ops/shape/concat.h"
#include "ops/shape/generate.h"
#include "ops/shape/reshape.h"
#include "ops/shape/transpose.h"

namespace pochade::tensorflow {
namespace {

/// Results of constant inputs up to this size become constants: enough for shape arithmetic.
constexpr int64_t kKnownLimitBytes = 4096;
/// Vectors of integers longer than this are data, not shapes.
constexpr int64_t kMostIntegers = 64;

/// Attributes that can say nothing new: element types of inputs, names, hints to devices.
constexpr std::string_view kHarmless[] = {"T",
                                          "Tidx",
                                          "Tshape",
                                          "Tperm",
                                          "Tpaddings",
                                          "Tblock_shape",
                                          "Tcrops",
                                          "Tparams",
                                          "Tindices",
                                          "Taxis",
                                          "Tmultiples",
                                          "Tdim",
                                          "Tlen",
                                          "Tsegmentids",
                                          "Index",
                                          "SrcT",
                                          "U",
                                          "Tin",
                                          "Tout",
                                          "Targmax",
                                          "Treshape",
                                          "container",
                                          "shared_name",
                                          "config",
                                          "config_proto",
                                          "executor_type",
                                          "use_cudnn_on_gpu",
                                          "use_cudnn",
                                          "parallel_iterations",
                                          "output_shapes",
                                          "allowed_devices",
                                          "debug_name",
                                          "num_lower",
                                          "Tcond",
                                          "Tbool",
                                          "TI",
                                          "TO",
                                          "colocate_with",
                                          "N"};

bool is_harmless(std::string_view name) {
  return name.starts_with('_') ||
         std::find(std::begin(kHarmless), std::end(kHarmless), name) != std::end(kHarmless);
}

std::string_view kind_text(Item::Kind kind) {
  switch (kind) {
    case Item::Kind::kBytes:
    case Item::Kind::kTexts:
      return "a string";
    case Item::Kind::kVariable:
      return "a variable's handle";
    case Item::Kind::kList:
      return "a list of tensors";
    default:
      return "not computed here";
  }
}

}  // namespace

// Inputs ------------------------------------------------------------------------------------------------

Result<Item> NodeScope::item(size_t i) const {
  if (i >= inputs_.size()) return Error::invalid_model("input {} is missing", i);
  return inputs_[i];
}

Result<ValueId> NodeScope::input(size_t i) const {
  TRY(const Item input, item(i));
  if (!input.is_value())
    return Error::not_supported("input {} is {}, expected a tensor of numbers", i, kind_text(input.kind));
  return input.value;
}

Result<std::vector<ValueId>> NodeScope::inputs(size_t first, size_t end) const {
  std::vector<ValueId> out;
  for (size_t i = first; i < std::min(end, inputs_.size()); ++i) {
    TRY(out.emplace_back(), input(i));
  }
  return out;
}

Result<Fact> NodeScope::fact(size_t i) const {
  TRY(const ValueId value, input(i));
  return fact_of(value);
}

Result<DType> NodeScope::dtype_of(size_t i) const {
  TRY(const Fact known, fact(i));
  return *known.dtype;
}

Result<int> NodeScope::rank(size_t i) const {
  TRY(const Fact known, fact(i));
  if (!known.rank_known()) return Error::not_supported("the rank of input {} is not known", i);
  return known.rank();
}

Result<Tensor> NodeScope::constant_tensor(size_t i, std::string_view what) const {
  TRY(const Fact known, fact(i));
  if (!known.is_constant())
    return Error::not_supported("input {} ({}) is computed while running, only constants are supported", i,
                                what);
  return known.constant;
}

Result<std::vector<int64_t>> NodeScope::constant_integers(size_t i, std::string_view what) const {
  TRY(const ValueId value, input(i));
  if (const auto part = integers_of(value)) {  // also what is known though other parts of a shape are not
    std::vector<int64_t> out;
    for (const auto& integer : *part)
      if (integer) out.push_back(*integer);
    if (out.size() == part->size()) return out;
  }
  TRY(const Tensor tensor, constant_tensor(i, what));
  if (is_float(tensor.dtype()))
    return Error::invalid_model("input {} ({}) is {}, expected integers", i, what, tensor.dtype());
  return to_int64s(tensor);
}

Result<int64_t> NodeScope::constant_integer(size_t i, std::string_view what) const {
  TRY(const auto values, constant_integers(i, what));
  if (values.size() != 1)
    return Error::invalid_model("input {} ({}) has {} values, expected 1", i, what, values.size());
  return values[0];
}

Result<float> NodeScope::constant_number(size_t i, std::string_view what) const {
  TRY(const Tensor tensor, constant_tensor(i, what));
  if (tensor.elements() != 1)
    return Error::invalid_model("input {} ({}) has {} values, expected 1", i, what, tensor.elements());
  return to_floats(tensor)[0];
}

std::optional<PartInts> NodeScope::integers_of(ValueId value) const {
  const Fact& known = fact_of(value);
  if (known.is_constant()) {
    if (known.rank() > 1 || known.constant.elements() > kMostIntegers || is_float(*known.dtype))
      return std::nullopt;
    const auto integers = to_int64s(known.constant);
    return PartInts(integers.begin(), integers.end());
  }
  const auto found = state_.parts.find(value);
  if (found == state_.parts.end()) return std::nullopt;
  return found->second;
}

void NodeScope::know(ValueId value, PartInts integers) {
  if (!fact_of(value).is_constant() && integers.size() <= kMostIntegers)
    state_.parts.insert_or_assign(value, std::move(integers));
}

// Attributes --------------------------------------------------------------------------------------------

Result<const AttrRecord*> NodeScope::read(std::string_view name, AttrKind kind, bool must_be_there) {
  const auto found = record_.attrs.find(name);
  const AttrRecord* attr = found == record_.attrs.end() ? nullptr : &found->second;
  if (attr != nullptr && attr->kind == AttrKind::kPlaceholder) {
    const auto argument = arguments_ == nullptr ? Attrs::const_iterator() : arguments_->find(attr->text);
    if (arguments_ == nullptr || argument == arguments_->end())
      return Error::invalid_model("attribute \"{}\" refers to \"{}\", which the caller does not give", name,
                                  attr->text);
    attr = &argument->second;
  }
  read_.insert(name);
  if (attr == nullptr) {
    if (must_be_there) return Error::invalid_model("attribute \"{}\" is missing", name);
    return attr;
  }
  // An empty list says nothing of its kind.
  if (attr->kind != kind && !(attr->kind == AttrKind::kNone && kind == AttrKind::kList))
    return Error::invalid_model("attribute \"{}\" is {}, expected {}", name, to_string(attr->kind),
                                to_string(kind));
  return attr;
}

Result<int64_t> NodeScope::integer(std::string_view name, std::optional<int64_t> otherwise) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kInteger, !otherwise));
  return attr != nullptr ? attr->integer : *otherwise;
}

Result<bool> NodeScope::flag(std::string_view name, std::optional<bool> otherwise) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kFlag, !otherwise));
  return attr != nullptr ? attr->integer != 0 : *otherwise;
}

Result<float> NodeScope::number(std::string_view name, std::optional<float> otherwise) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kNumber, !otherwise));
  return attr != nullptr ? attr->number : *otherwise;
}

Result<std::string_view> NodeScope::text(std::string_view name, std::optional<std::string_view> otherwise) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kText, !otherwise));
  return attr != nullptr ? attr->text : *otherwise;
}

Result<std::vector<int64_t>> NodeScope::integers(std::string_view name) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kList, false));
  return attr != nullptr ? attr->integers : std::vector<int64_t>();
}

Result<std::vector<float>> NodeScope::numbers(std::string_view name) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kList, false));
  return attr != nullptr ? attr->numbers : std::vector<float>();
}

Result<std::vector<std::string_view>> NodeScope::texts(std::string_view name) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kList, false));
  return attr != nullptr ? attr->texts : std::vector<std::string_view>();
}

Result<DType> NodeScope::dtype(std::string_view name, std::optional<DType> otherwise) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kType, !otherwise));
  if (attr == nullptr) return *otherwise;
  return element_type(attr->integer).context("attribute \"{}\"", name);
}

Result<ShapeRecord> NodeScope::shape(std::string_view name) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kShape, false));
  return attr != nullptr ? attr->shape : ShapeRecord{true, {}};
}

Result<TensorRecord> NodeScope::tensor(std::string_view name) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kTensor, true));
  return parse_tensor(attr->message).context("attribute \"{}\"", name);
}

Result<FunctionReference> NodeScope::function(std::string_view name) {
  TRY(const AttrRecord* attr, read(name, AttrKind::kFunction, true));
  return parse_function_reference(attr->message).context("attribute \"{}\"", name);
}

Result<bool> NodeScope::channels_first() {
  TRY(const std::string_view format, text("data_format", "NHWC"));
  if (format == "NHWC" || format == "NDHWC" || format == "NWC") return false;
  if (format == "NCHW" || format == "NCDHW" || format == "NCW") return true;
  return Error::not_supported("data_format is \"{}\", NHWC and NCHW are supported", format);
}

// Building ----------------------------------------------------------------------------------------------

Result<std::vector<ValueId>> NodeScope::add_all(OpPtr op, std::vector<ValueId> inputs) {
  while (!inputs.empty() && inputs.back() == kNone) inputs.pop_back();
  const std::string name = added_ == 0 ? name_ : format("{}/{}", name_, added_);
  TRY(const Facts facts, infer_and_fold(*op, state_.graph.facts(inputs), kKnownLimitBytes)
                             .context("node \"{}\" ({})", name, op->name()));
  if (std::all_of(facts.begin(), facts.end(), [](const Fact& fact) { return fact.is_constant(); })) {
    std::vector<ValueId> out;
    for (const Fact& fact : facts) out.push_back(state_.graph.add_constant(name, fact.constant));
    return out;
  }
  ++added_;
  return state_.graph.add_node(name, std::move(op), std::move(inputs), kKnownLimitBytes);
}

Result<ValueId> NodeScope::add(OpPtr op, std::vector<ValueId> inputs) {
  TRY(const std::vector<ValueId> outputs, add_all(std::move(op), std::move(inputs)));
  return outputs.at(0);
}

Result<ValueId> NodeScope::scalar_of(DType dtype, double value) {
  TRY(const Tensor tensor, Tensor::scalar<double>(value).cast(dtype));
  return constant(tensor);
}

Result<ValueId> NodeScope::cast(ValueId value, DType to) {
  const Fact known = fact_of(value);
  if (known.dtype == to) return value;
  Cast op;
  op.to = to;
  TRY(const ValueId out, add(op, {value}));
  if (const auto part = integers_of(value); part && is_integer(to)) know(out, *part);
  return out;
}

Result<ValueId> NodeScope::transpose(ValueId value, std::vector<int64_t> perm) {
  if (std::is_sorted(perm.begin(), perm.end())) return value;
  const Fact known = fact_of(value);
  Transpose op;
  op.perm = std::move(perm);
  if (!known.is_constant() || static_cast<int64_t>(known.constant.byte_size()) > kFoldLimitBytes)
    return add(op, {value});
  TRY(op.infer(std::array{known}));
  TRY(const Tensors permuted, op.eval(std::array{known.constant}));
  return state_.graph.add_constant(state_.graph.value(value).name, permuted.at(0));
}

Result<ValueId> NodeScope::reshape(ValueId value, const std::vector<int64_t>& dims) {
  const Fact known = fact_of(value);
  const ValueId shape = constant(dims);
  Reshape op;
  op.allow_zero = true;
  if (!known.is_constant()) return add(op, {value, shape});
  TRY(const Facts facts, op.infer(std::array{known, fact_of(shape)}));
  return state_.graph.add_constant(state_.graph.value(value).name,
                                   known.constant.reshaped(*facts.at(0).shape()));
}

Result<ValueId> NodeScope::unsqueeze(ValueId value, const std::vector<int64_t>& axes) {
  if (axes.empty()) return value;
  return add(Unsqueeze{}, {value, constant(axes)});
}

Result<ValueId> NodeScope::squeeze(ValueId value, const std::vector<int64_t>& axes) {
  if (axes.empty()) return value;
  return add(Squeeze{}, {value, constant(axes)});
}

Result<ValueId> NodeScope::shape_of(ValueId value) {
  TRY(const ValueId out, add(ShapeOp{}, {value}));
  const Fact known = fact_of(value);
  if (!known.rank_known()) return out;
  PartInts part;
  for (const Dim& dim : *known.dims) {
    if (dim.is_number()) {
      part.emplace_back(dim.number());
    } else {
      part.emplace_back();
    }
  }
  know(out, std::move(part));
  return out;
}

Result<ValueId> NodeScope::element(ValueId vector, int64_t i) {
  if (const auto part = integers_of(vector); part && i < static_cast<int64_t>(part->size()))
    if (const auto& known = (*part)[static_cast<size_t>(i)])
      return cast(constant(std::vector<int64_t>{*known}), *fact_of(vector).dtype);
  return add(Gather{}, {vector, constant(std::vector<int64_t>{i})});
}

Result<NodeScope::Piece> NodeScope::size_of_axis(ValueId value, int axis) {
  const Fact known = fact_of(value);
  if (known.dim(axis).is_number()) return Piece{known.dim(axis).number(), kNone};
  TRY(const ValueId shape, shape_of(value));
  TRY(const ValueId size, element(shape, axis));
  return Piece{0, size};
}

Result<ValueId> NodeScope::vector_of(const std::vector<Piece>& pieces, bool for_reshape) {
  const auto is_dynamic = [](const Piece& piece) { return piece.dynamic != kNone; };
  const auto dynamic = std::count_if(pieces.begin(), pieces.end(), is_dynamic);
  std::vector<int64_t> numbers;
  for (const Piece& piece : pieces) numbers.push_back(is_dynamic(piece) ? -1 : piece.number);
  const bool has_zero = std::find(numbers.begin(), numbers.end(), 0) != numbers.end();
  if (dynamic == 0 || (for_reshape && dynamic == 1 && !has_zero)) return constant(numbers);
  std::vector<ValueId> parts;
  for (const Piece& piece : pieces) {
    if (is_dynamic(piece)) {
      TRY(parts.emplace_back(), as_int64(piece.dynamic));
    } else {
      parts.push_back(constant(std::vector<int64_t>{piece.number}));
    }
  }
  return add(Concat{}, std::move(parts));
}

Result<ValueId> NodeScope::to_channels_last(ValueId value) {
  const Fact& known = fact_of(value);
  if (!known.rank_known())
    return Error::not_supported("the rank of \"{}\" is not known", state_.graph.value(value).name);
  std::vector<int64_t> perm{0};
  for (int axis = 2; axis < known.rank(); ++axis) perm.push_back(axis);
  if (known.rank() > 1) perm.push_back(1);
  return transpose(value, std::move(perm));
}

Result<ValueId> NodeScope::to_channels_first(ValueId value) {
  const Fact& known = fact_of(value);
  if (!known.rank_known())
    return Error::not_supported("the rank of \"{}\" is not known", state_.graph.value(value).name);
  std::vector<int64_t> perm{0};
  if (known.rank() > 1) perm.push_back(known.rank() - 1);
  for (int axis = 1; axis + 1 < known.rank(); ++axis) perm.push_back(axis);
  return transpose(value, std::move(perm));
}

// Outputs -----------------------------------------------------------------------------------------------

void NodeScope::set_output(size_t i, Item item) {
  if (results_.size() <= i) results_.resize(i + 1);
  results_[i] = std::move(item);
}

Status NodeScope::finish() const {
  for (const auto& [name, attr] : record_.attrs)
    if (!read_.contains(name) && !is_harmless(name))
      return Error::not_supported("attribute \"{}\" is not known for this operator", name);
  return {};
}

}  // namespace pochade::tensorflow

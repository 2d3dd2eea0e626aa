#include "ops/matrix/einsum.h"

#include <algorithm>
#include <map>

namespace pochade {
namespace {

constexpr std::string_view kEllipsis = "...";

/// One side of the arrow, or one input: its letters; where an ellipsis stands ('.' in `letters`) is kept.
Result<std::string> parse_term(std::string_view text) {
  std::string letters;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if (text.substr(i, 3) == kEllipsis) {
      if (letters.find('.') != std::string::npos)
        return Error::invalid_model("\"{}\" has two ellipses", text);
      letters += '.';
      i += 2;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      letters += c;
    } else {
      return Error::invalid_model("\"{}\" holds '{}', expected letters or an ellipsis", text, c);
    }
  }
  return letters;
}

/// Axes of broadcasting are known by negative keys, -1 the last.
using AxisNames = std::vector<int>;

Result<AxisNames> name_axes(std::string_view letters, int rank) {
  const bool ellipsis = letters.find('.') != std::string_view::npos;
  const int broadcast = rank - static_cast<int>(letters.size()) + (ellipsis ? 1 : 0);
  if (broadcast < 0 || (!ellipsis && broadcast != 0))
    return Error::invalid_model("\"{}\" does not fit an input of rank {}", letters, rank);
  AxisNames names;
  for (const char c : letters) {
    if (c != '.')
      names.push_back(c);
    else
      for (int i = broadcast; i > 0; --i) names.push_back(-i);
  }
  return names;
}

}  // namespace

Result<EinsumAxes> parse_einsum(std::string_view equation, std::span<const int> ranks) {
  const size_t arrow = equation.find("->");
  std::vector<AxisNames> inputs;
  std::string_view rest = equation.substr(0, arrow);
  std::map<int, int> uses;
  while (true) {
    const size_t comma = rest.find(',');
    TRY(const std::string letters, parse_term(rest.substr(0, comma)));
    if (inputs.size() >= ranks.size())
      return Error::invalid_model("equation \"{}\" has more terms than the {} inputs", equation,
                                  ranks.size());
    TRY(AxisNames names, name_axes(letters, ranks[inputs.size()]));
    inputs.push_back(std::move(names));
    for (const int name : inputs.back()) ++uses[name];
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (inputs.size() != ranks.size())
    return Error::invalid_model("equation \"{}\" has {} terms for {} inputs", equation, inputs.size(),
                                ranks.size());

  int broadcast = 0;
  for (const auto& [name, count] : uses) broadcast = std::max(broadcast, -name);
  AxisNames output;
  if (arrow != std::string_view::npos) {
    TRY(const std::string letters, parse_term(equation.substr(arrow + 2)));
    for (const char c : letters) {
      if (c == '.') {
        for (int i = broadcast; i > 0; --i) output.push_back(-i);
        continue;
      }
      if (!uses.contains(c))
        return Error::invalid_model("the output of \"{}\" has '{}', which no input has", equation, c);
      if (std::find(output.begin(), output.end(), c) != output.end())
        return Error::invalid_model("the output of \"{}\" has '{}' twice", equation, c);
      output.push_back(c);
    }
  } else {
    for (int i = broadcast; i > 0; --i) output.push_back(-i);
    for (const auto& [name, count] : uses)
      if (name > 0 && count == 1) output.push_back(name);
  }
  if (output.size() > static_cast<size_t>(kMaxRank))
    return Error::not_supported("the output of \"{}\" has {} axes, at most {} are", equation, output.size(),
                                kMaxRank);
  EinsumAxes axes;
  std::map<int, int> numbers;
  for (const int name : output) numbers.emplace(name, axes.output_rank++);
  axes.count = axes.output_rank;
  for (const auto& [name, count] : uses)
    if (numbers.emplace(name, axes.count).second) ++axes.count;
  for (const AxisNames& names : inputs) {
    std::vector<int>& input = axes.inputs.emplace_back();
    for (const int name : names) input.push_back(numbers.at(name));
  }
  return axes;
}

namespace {

/// Sizes of all axes. Axes of size 1 repeat.
Result<std::vector<Dim>> axis_sizes(const EinsumAxes& axes, std::span<const Fact> in) {
  std::vector<Dim> sizes(static_cast<size_t>(axes.count), Dim(1));
  for (size_t i = 0; i < in.size(); ++i)
    for (size_t j = 0; j < axes.inputs[i].size(); ++j) {
      Dim& size = sizes[static_cast<size_t>(axes.inputs[i][j])];
      const Dim& dim = in[i].dim(static_cast<int>(j));
      if (dim == size || dim.is(1)) continue;
      if (size.is_number() && !size.is(1) && dim.is_number())
        return Error::invalid_model("an axis has sizes {} and {}", size.number(), dim.number());
      if (!size.is_number() || size.is(1)) size = dim;
    }
  return sizes;
}

Result<EinsumAxes> axes_of(std::string_view equation, std::span<const Fact> in) {
  std::vector<int> ranks;
  for (const Fact& fact : in) ranks.push_back(fact.rank());
  return parse_einsum(equation, ranks);
}

}  // namespace

Result<Facts> Einsum::infer(std::span<const Fact> in) const {
  if (in.empty()) return Error::invalid_model("has no inputs");
  bool ranks_known = true;
  for (size_t i = 0; i < in.size(); ++i) {
    TRY(expect_dtype(in[i], format("input {}", i),
                     {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kI32, DType::kI64,
                      DType::kU32, DType::kU64}));
    if (in[i].dtype != in[0].dtype) return Error::invalid_model("inputs 0 and {} have different types", i);
    ranks_known &= in[i].rank_known();
  }
  if (!ranks_known) return Facts{Fact(*in[0].dtype, std::optional<Dims>())};
  TRY(const EinsumAxes axes, axes_of(equation, in));
  TRY(std::vector<Dim> sizes, axis_sizes(axes, in));
  sizes.resize(static_cast<size_t>(axes.output_rank));
  return Facts{Fact(*in[0].dtype, Dims(std::move(sizes)))};
}

Result<Tensors> Einsum::eval(std::span<const Tensor> in) const {
  Facts facts;
  for (const Tensor& tensor : in) facts.emplace_back(tensor.dtype(), tensor.shape());
  TRY(const EinsumAxes axes, axes_of(equation, facts));
  TRY(const std::vector<Dim> dims, axis_sizes(axes, facts));
  std::vector<int64_t> sizes;
  for (const Dim& dim : dims) sizes.push_back(dim.number());
  const auto rank = static_cast<size_t>(axes.output_rank);
  const DType wide = is_float(in[0].dtype()) ? DType::kF64 : DType::kU64;
  Tensors wide_in;
  std::vector<std::vector<int64_t>> strides;  // of each input along each axis of the equation
  for (size_t i = 0; i < in.size(); ++i) {
    TRY(wide_in.emplace_back(), in[i].cast(wide));
    auto& stride = strides.emplace_back(sizes.size(), 0);
    const Shape dense = in[i].shape().strides();
    for (size_t j = 0; j < axes.inputs[i].size(); ++j)
      if (in[i].shape()[static_cast<int>(j)] != 1)
        stride[static_cast<size_t>(axes.inputs[i][j])] += dense[static_cast<int>(j)];
  }
  TRY(Tensor y, Tensor::make(wide, Shape(std::span(sizes).first(rank))));
  const auto run = [&]<typename T>() {
    std::vector<int64_t> at(sizes.size(), 0);
    const auto element = [&] {
      T product = 1;
      for (size_t i = 0; i < in.size(); ++i) {
        int64_t offset = 0;
        for (size_t a = 0; a < at.size(); ++a) offset += at[a] * strides[i][a];
        product *= wide_in[i].data<T>()[static_cast<size_t>(offset)];
      }
      return product;
    };
    /// Steps the axes [begin, end) like an odometer; false when all are back at zero.
    const auto step = [&](size_t begin, size_t end) {
      for (size_t a = end; a-- > begin;) {
        if (++at[a] < sizes[a]) return true;
        at[a] = 0;
      }
      return false;
    };
    if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return;  // empty, or sums of nothing
    for (T& value : y.mutable_data<T>()) {
      T sum = 0;
      do sum += element();
      while (step(rank, sizes.size()));
      value = sum;
      step(0, rank);
    }
  };
  if (wide == DType::kF64)
    run.template operator()<double>();
  else
    run.template operator()<uint64_t>();
  TRY(Tensor out, y.cast(in[0].dtype()));
  return Tensors{out};
}

Cost Einsum::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  Cost cost{0, bytes_of(in) + bytes_of(out)};
  for (const Fact& fact : in)
    if (!fact.shape()) return cost;
  const auto axes = axes_of(equation, in);
  if (!axes) return cost;
  const auto sizes = axis_sizes(*axes, in);
  if (!sizes) return cost;
  cost.macs = 1;
  for (const Dim& dim : *sizes)
    cost.macs = checked_mul(cost.macs, dim.is_number() ? dim.number() : 1).value_or(INT64_MAX);
  return cost;
}

}  // namespace pochade

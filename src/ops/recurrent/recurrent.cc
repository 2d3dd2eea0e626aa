#include "ops/recurrent/recurrent.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pochade {
namespace {

struct FunctionName {
  GateFunction function;
  std::string_view name;
  GateParameters parameters;
};

constexpr std::array<FunctionName, 11> kFunctions = {{
    {GateFunction::kRelu, "Relu", {}},
    {GateFunction::kTanh, "Tanh", {}},
    {GateFunction::kSigmoid, "Sigmoid", {}},
    {GateFunction::kAffine, "Affine", {true, true, 1, 0}},
    {GateFunction::kLeakyRelu, "LeakyRelu", {true, false, 0.01f, 0}},
    {GateFunction::kThresholdedRelu, "ThresholdedRelu", {true, false, 1, 0}},
    {GateFunction::kScaledTanh, "ScaledTanh", {true, true, 1, 1}},
    {GateFunction::kHardSigmoid, "HardSigmoid", {true, true, 0.2f, 0.5f}},
    {GateFunction::kElu, "Elu", {true, false, 1, 0}},
    {GateFunction::kSoftsign, "Softsign", {}},
    {GateFunction::kSoftplus, "Softplus", {}},
}};

double apply_function(GateFunction function, double x, double alpha, double beta) {
  switch (function) {
    case GateFunction::kRelu:
      return x < 0 ? 0 : x;
    case GateFunction::kTanh:
      return std::tanh(x);
    case GateFunction::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case GateFunction::kAffine:
      return alpha * x + beta;
    case GateFunction::kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case GateFunction::kThresholdedRelu:
      return x >= alpha ? x : 0;
    case GateFunction::kScaledTanh:
      return alpha * std::tanh(beta * x);
    case GateFunction::kHardSigmoid:
      return std::max(0.0, std::min(1.0, alpha * x + beta));
    case GateFunction::kElu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case GateFunction::kSoftsign:
      return x / (1 + std::fabs(x));
    case GateFunction::kSoftplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
  }
  return x;
}

Status check_dim(const Fact& fact, int axis, const Dim& expected, std::string_view what) {
  if (!fact.dims || !fact.dim(axis).is_number() || !expected.is_number() || fact.dim(axis) == expected)
    return {};
  return Error::invalid_model("{} is {}, expected {} along axis {}", what, join(*fact.dims, "x"), expected,
                              axis);
}

/// dtype, rank and sizes of an input that may be absent.
Status check_input(std::span<const Fact> in, size_t i, std::string_view what, DType dtype,
                   const Dims& expected) {
  if (i >= in.size() || !in[i].present()) return {};
  TRY(expect_dtype(in[i], what, {dtype}));
  TRY(expect_rank(in[i], what, static_cast<int>(expected.size()), static_cast<int>(expected.size())));
  for (size_t axis = 0; axis < expected.size(); ++axis)
    TRY(check_dim(in[i], static_cast<int>(axis), expected[axis], what));
  return {};
}

Dim dim_or_unknown(const Fact& fact, int axis) {
  return fact.dims ? fact.dim(axis) : Dim();
}

}  // namespace

std::string_view to_string(GateFunction function) {
  for (const FunctionName& entry : kFunctions)
    if (entry.function == function) return entry.name;
  return "";
}

std::optional<GateFunction> gate_function(std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const FunctionName& entry : kFunctions)
    if (std::ranges::equal(entry.name, name, [&](char a, char b) { return lower(a) == lower(b); }))
      return entry.function;
  return std::nullopt;
}

GateParameters default_parameters(GateFunction function) {
  for (const FunctionName& entry : kFunctions)
    if (entry.function == function) return entry.parameters;
  return {};
}

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::kForward:
      return "forward";
    case Direction::kReverse:
      return "reverse";
    case Direction::kBidirectional:
      return "bidirectional";
  }
  return "";
}

double Recurrence::apply(int direction_index, int k, int per_direction, double x) const {
  const double limit = static_cast<double>(clip);
  return apply_unclipped(direction_index, k, per_direction, limit > 0 ? std::clamp(x, -limit, limit) : x);
}

double Recurrence::apply_unclipped(int direction_index, int k, int per_direction, double x) const {
  const auto i = static_cast<size_t>(direction_index * per_direction + k);
  return apply_function(static_cast<GateFunction>(functions[i]), x, static_cast<double>(alpha[i]),
                        static_cast<double>(beta[i]));
}

void set_functions(Recurrence& recurrence, std::initializer_list<GateFunction> each_direction) {
  recurrence.functions.clear();
  recurrence.alpha.clear();
  recurrence.beta.clear();
  for (int d = 0; d < recurrence.directions(); ++d)
    for (const GateFunction function : each_direction) {
      recurrence.functions.push_back(static_cast<int64_t>(function));
      recurrence.alpha.push_back(default_parameters(function).alpha);
      recurrence.beta.push_back(default_parameters(function).beta);
    }
}

Result<Facts> infer_recurrent(const Recurrence& recurrence, std::span<const Fact> in, int gates,
                              int functions, bool has_cell) {
  TRY(expect_inputs(in, 3, has_cell ? 8 : 6));
  const size_t wanted = static_cast<size_t>(recurrence.directions() * functions);
  if (recurrence.functions.size() != wanted || recurrence.alpha.size() != wanted ||
      recurrence.beta.size() != wanted)
    return Error::invalid_model("has {} activations, expected {}", recurrence.functions.size(), wanted);
  for (const int64_t function : recurrence.functions)
    if (function < 0 || function >= static_cast<int64_t>(kFunctions.size()))
      return Error::invalid_model("unknown activation {}", function);
  if (recurrence.hidden_size < 1 || recurrence.hidden_size > (int64_t{1} << 30))
    return Error::invalid_model("hidden_size is {}, expected at least 1", recurrence.hidden_size);
  if (!(recurrence.clip >= 0))
    return Error::invalid_model("clip is {}, expected at least 0", recurrence.clip);

  const Fact& x = in[0];
  TRY(expect_dtype(x, "x", {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}));
  TRY(expect_rank(x, "x", 3, 3));
  const bool batch_first = recurrence.batch_first;
  const Dim directions = recurrence.directions(), hidden = recurrence.hidden_size;
  const Dim steps = dim_or_unknown(x, batch_first ? 1 : 0), batch = dim_or_unknown(x, batch_first ? 0 : 1);
  const Dims state = batch_first ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
  TRY(check_input(in, 1, "w", *x.dtype, {directions, gates * recurrence.hidden_size, dim_or_unknown(x, 2)}));
  TRY(check_input(in, 2, "r", *x.dtype, {directions, gates * recurrence.hidden_size, hidden}));
  TRY(check_input(in, 3, "b", *x.dtype, {directions, 2 * gates * recurrence.hidden_size}));
  TRY(check_input(in, 4, "sequence_lens", DType::kI32, {batch}));
  TRY(check_input(in, 5, "initial_h", *x.dtype, state));
  TRY(check_input(in, 6, "initial_c", *x.dtype, state));
  TRY(check_input(in, 7, "p", *x.dtype, {directions, 3 * recurrence.hidden_size}));

  Facts out;
  out.emplace_back(*x.dtype, batch_first ? Dims{batch, steps, directions, hidden}
                                         : Dims{steps, directions, batch, hidden});
  out.emplace_back(*x.dtype, state);
  if (has_cell) out.emplace_back(*x.dtype, state);
  return out;
}

namespace {

Result<std::vector<double>> doubles(std::span<const Tensor> in, size_t i) {
  if (i >= in.size() || !in[i].defined()) return std::vector<double>();
  TRY(const Tensor wide, in[i].cast(DType::kF64));
  const auto values = wide.data<double>();
  return std::vector<double>(values.begin(), values.end());
}

/// Swaps the first two axes of a,b,c.
std::vector<double> swapped(const std::vector<double>& from, int64_t a, int64_t b, int64_t c) {
  std::vector<double> to(from.size());
  for (int64_t i = 0; i < a; ++i)
    for (int64_t j = 0; j < b; ++j)
      std::copy_n(from.begin() + (i * b + j) * c, c, to.begin() + (j * a + i) * c);
  return to;
}

double dot(const double* a, const double* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

Result<RecurrentRun> RecurrentRun::prepare(const Recurrence& recurrence, std::span<const Tensor> in,
                                           int gates, bool has_cell) {
  RecurrentRun run;
  run.recurrence_ = &recurrence;
  run.has_cell_ = has_cell;
  run.dtype_ = in[0].dtype();
  const Shape& x = in[0].shape();
  run.sizes_ = {x[recurrence.batch_first ? 1 : 0], x[recurrence.batch_first ? 0 : 1], x[2],
                recurrence.hidden_size};
  run.rows_ = gates * recurrence.hidden_size;
  const RecurrentSizes& n = run.sizes_;
  const int64_t directions = recurrence.directions();
  TRY(run.x_, doubles(in, 0));
  TRY(run.w_, doubles(in, 1));
  TRY(run.r_, doubles(in, 2));
  TRY(run.b_, doubles(in, 3));
  TRY(run.h_, doubles(in, 5));
  TRY(run.c_, doubles(in, 6));
  TRY(run.p_, doubles(in, 7));
  if (recurrence.batch_first) {
    run.x_ = swapped(run.x_, n.batch, n.steps, n.input);
    if (!run.h_.empty()) run.h_ = swapped(run.h_, n.batch, directions, n.hidden);
    if (!run.c_.empty()) run.c_ = swapped(run.c_, n.batch, directions, n.hidden);
  }
  run.h_.resize(static_cast<size_t>(directions * n.batch * n.hidden));
  run.c_.resize(run.h_.size());
  run.lengths_ = in.size() > 4 && in[4].defined()
                     ? to_int64s(in[4])
                     : std::vector<int64_t>(static_cast<size_t>(n.batch), n.steps);
  for (const int64_t length : run.lengths_)
    if (length < 0 || length > n.steps)
      return Error::invalid_argument("a sequence length is {}, expected 0 to {}", length, n.steps);
  return run;
}

double RecurrentRun::from_input(int direction, int64_t row, const double* x) const {
  const int64_t at = direction * rows_ + row;
  const double bias = b_.empty() ? 0 : b_[static_cast<size_t>(direction * 2 * rows_ + row)];
  return dot(w_.data() + at * sizes_.input, x, sizes_.input) + bias;
}

double RecurrentRun::from_state(int direction, int64_t row, const double* h) const {
  const int64_t at = direction * rows_ + row;
  const double bias = b_.empty() ? 0 : b_[static_cast<size_t>((direction * 2 + 1) * rows_ + row)];
  return dot(r_.data() + at * sizes_.hidden, h, sizes_.hidden) + bias;
}

Result<Tensors> RecurrentRun::run(const Cell& cell) {
  const int64_t directions = recurrence_->directions();
  const auto [steps, batch, input, hidden] = sizes_;
  std::vector<double> y(
      static_cast<size_t>(steps * directions * batch * hidden));  // steps after a sequence's end stay 0
  for (int64_t d = 0; d < directions; ++d) {
    const bool backwards = recurrence_->direction == Direction::kReverse || d == 1;
    for (int64_t n = 0; n < batch; ++n) {
      double* h = h_.data() + (d * batch + n) * hidden;
      double* c = c_.data() + (d * batch + n) * hidden;
      const int64_t length = lengths_[static_cast<size_t>(n)];
      for (int64_t i = 0; i < length; ++i) {
        const int64_t t = backwards ? length - 1 - i : i;
        cell(static_cast<int>(d), x_.data() + (t * batch + n) * input, h, c);
        std::copy_n(h, hidden, y.begin() + ((t * directions + d) * batch + n) * hidden);
      }
    }
  }

  Shape y_shape{steps, directions, batch, hidden}, state_shape{directions, batch, hidden};
  if (recurrence_->batch_first) {
    y = swapped(y, steps * directions, batch, hidden);  // batch, steps, directions, hidden
    h_ = swapped(h_, directions, batch, hidden);
    c_ = swapped(c_, directions, batch, hidden);
    y_shape = {batch, steps, directions, hidden};
    state_shape = {batch, directions, hidden};
  }
  Tensors out;
  const auto add = [&](const std::vector<double>& values, const Shape& shape) -> Status {
    TRY(Tensor wide, Tensor::make(DType::kF64, shape));
    std::copy(values.begin(), values.end(), wide.mutable_data<double>().begin());
    TRY(Tensor narrow, wide.cast(dtype_));
    out.push_back(std::move(narrow));
    return {};
  };
  TRY(add(y, y_shape));
  TRY(add(h_, state_shape));
  if (has_cell_) TRY(add(c_, state_shape));
  return out;
}

Cost recurrent_cost(std::span<const Fact> in, std::span<const Fact> out) {
  Cost cost{0, bytes_of(in) + bytes_of(out)};
  const auto x = in[0].shape(), w = in[1].shape(), r = in[2].shape();
  if (x && w && r) cost.macs = (*x)[0] * (*x)[1] * (w->elements() + r->elements());
  return cost;
}

}  // namespace pochade

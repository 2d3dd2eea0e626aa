#include "ops/quant/integer_lstm.h"

#include <cmath>

#include "ops/eval.h"
#include "ops/quant/fixed_point16.h"
#include "ops/quant/fixed_point_functions.h"
#include "ops/quant/integer_lstm_parts.h"

namespace pochade {
namespace {

enum Input : size_t { kX, kW, kR = 5, kP = 9, kB = 12, kProjection = 16, kProjectionBias, kH, kC, kNorm };

std::span<const int8_t> bytes_of_row(const Tensor& matrix, int64_t row) {
  const auto columns = static_cast<size_t>(matrix.shape()[1]);
  return matrix.data<int8_t>().subspan(static_cast<size_t>(row) * columns, columns);
}

/// bias - zero * (sum of the row), modulo 2^32.
std::vector<int32_t> bias_with_zero(const Tensor& matrix, int64_t zero, const Tensor& bias) {
  std::vector<int32_t> out;
  for (int64_t row = 0; row < matrix.shape()[0]; ++row) {
    int64_t sum = bias.defined() ? bias.data<int32_t>()[static_cast<size_t>(row)] : 0;
    for (const int8_t w : bytes_of_row(matrix, row)) sum -= zero * w;
    out.push_back(wrap_int32(sum));
  }
  return out;
}

FixedPoint fixed_ratio(float a, float b, float by) {
  return fixed_point(static_cast<double>(a * b / by));
}

int16_t saturate16(int64_t x) {
  return static_cast<int16_t>(std::clamp<int64_t>(x, -32768, 32767));
}

// Inference.
// ------------------------------------------------------------------------------------------------------

struct Wanted {
  size_t input;
  std::string_view what;
  DType dtype;
  Dims dims;
  bool optional;
};

Status expect_fact(const Fact& fact, const Wanted& wanted) {
  if (!fact.present()) {
    if (wanted.optional) return {};
    return Error::invalid_model("input {} ({}) is missing", wanted.input, wanted.what);
  }
  const Fact like(wanted.dtype, wanted.dims);
  bool same = fact.dtype == wanted.dtype && fact.rank_known() &&
              static_cast<size_t>(fact.rank()) == wanted.dims.size();
  for (size_t i = 0; same && i < wanted.dims.size(); ++i)
    same = !wanted.dims[i].is_number() || fact.dim(static_cast<int>(i)) == wanted.dims[i];
  if (same) return {};
  return Error::invalid_model("input {} ({}) is {}, expected {}", wanted.input, wanted.what, fact, like);
}

Fact quantized_fact(DType dtype, Dims dims, float scale, int64_t zero) {
  Fact fact(dtype, std::move(dims));
  fact.quantization =
      std::make_shared<const Quantization>(Quantization{{scale}, {static_cast<int32_t>(zero)}, -1, 0});
  return fact;
}

Result<Shape> sizes_of(const Fact& fact, std::string_view what, int rank) {
  const auto shape = fact.present() ? fact.shape() : std::nullopt;
  if (!shape || shape->rank() != rank)
    return Error::invalid_model("{} is {}, expected {} sizes", what, fact, rank);
  return *shape;
}

Status check_scales(const IntegerLstm& op, std::span<const Fact> in) {
  if (op.scales.size() != IntegerLstm::kInputs || op.gate_scales.size() != 4)
    return Error::invalid_model("it has {} scales of inputs and {} of gates, expected 24 and 4",
                                op.scales.size(), op.gate_scales.size());
  const auto is_scale = [](float scale) { return std::isfinite(scale) && scale > 0; };
  for (size_t i = 0; i < in.size(); ++i) {
    const bool reads = in[i].present() && in[i].dtype != DType::kI32;
    if (reads && !is_scale(op.scales[i]))
      return Error::invalid_model("input {} has the scale {}, expected a finite number above 0", i,
                                  op.scales[i]);
  }
  for (const float scale :
       {op.gate_scales[0], op.gate_scales[1], op.gate_scales[2], op.gate_scales[3], op.hidden_scale})
    if (!is_scale(scale))
      return Error::invalid_model("an intermediate scale is {}, expected a finite number above 0", scale);
  int exponent = 0;
  if (std::frexp(op.scales[kC], &exponent) != 0.5f || exponent < -14 || exponent > -8)
    return Error::not_supported("the scale of the cell is {}, expected a power of two from 2^-15 to 2^-9",
                                op.scales[kC]);
  for (const int64_t zero : {op.x_zero, op.h_zero, op.hidden_zero})
    if (zero < -128 || zero > 127) return Error::invalid_model("the zero point {} does not fit int8", zero);
  if (!(op.cell_clip >= 0) || !(op.projection_clip >= 0))
    return Error::invalid_model("cell_clip is {} and proj_clip {}, expected 0 or more", op.cell_clip,
                                op.projection_clip);
  return {};
}

/// Whether either all or none of these inputs are there; fails otherwise.
Result<bool> all_or_none(std::span<const Fact> in, std::initializer_list<size_t> inputs,
                         std::string_view what) {
  size_t count = 0;
  for (const size_t i : inputs) count += in[i].present() ? 1 : 0;
  if (count != 0 && count != inputs.size())
    return Error::invalid_model("it has {} of {} {}", count, inputs.size(), what);
  return count != 0;
}

}  // namespace

Result<Facts> IntegerLstm::infer(std::span<const Fact> given) const {
  TRY(expect_inputs(given, 1, kInputs));
  Facts in(given.begin(), given.end());
  in.resize(kInputs);
  TRY(expect_rank(in[kX], "x", 3, 3));
  TRY(const Shape cell, sizes_of(in[kC], "the cell", 2));
  TRY(const Shape state, sizes_of(in[kH], "the state", 2));
  const Dim batch = cell[0], cells = cell[1], outputs = state[1];
  if (cell[1] < 1 || state[1] < 1)
    return Error::invalid_model("it has {} cells and {} outputs", cell[1], state[1]);
  TRY(const Shape w, sizes_of(in[kW + 1], "the weight of the forget gate", 2));
  const Dims x_dims = time_major ? Dims{Dim(), batch, Dim(w[1])} : Dims{batch, Dim(), Dim(w[1])};
  TRY(expect_fact(in[kX], {kX, "x", DType::kI8, x_dims, false}));
  TRY(const bool input_gate, all_or_none(in, {kW, kR, kB}, "weights and biases of the input gate"));
  TRY(const bool norm, all_or_none(in, {kNorm + 1, kNorm + 2, kNorm + 3}, "normalisations"));
  TRY(all_or_none(in, {kP + 1, kP + 2}, "peepholes"));
  if (in[kNorm].present() != (norm && input_gate) || in[kP].present() != (in[kP + 1].present() && input_gate))
    return Error::invalid_model("the input gate differs from the others in its normalisation or peephole");
  for (size_t gate = 0; gate < 4; ++gate) {
    const bool absent = gate == 0 && !input_gate;
    TRY(expect_fact(in[kW + gate], {kW + gate, "a weight", DType::kI8, {cells, Dim(w[1])}, absent}));
    TRY(expect_fact(in[kR + gate], {kR + gate, "a weight", DType::kI8, {cells, outputs}, absent}));
    TRY(expect_fact(in[kB + gate], {kB + gate, "a bias", DType::kI32, {cells}, absent}));
    TRY(expect_fact(in[kNorm + gate], {kNorm + gate, "a normalisation", DType::kI16, {cells}, true}));
    if (gate == 3) continue;
    TRY(expect_fact(in[kP + gate], {kP + gate, "a peephole", DType::kI16, {cells}, true}));
  }
  const bool projects = in[kProjection].present();
  TRY(expect_fact(in[kProjection], {kProjection, "the projection", DType::kI8, {outputs, cells}, true}));
  TRY(expect_fact(in[kProjectionBias],
                  {kProjectionBias, "the projection's bias", DType::kI32, {outputs}, true}));
  if (in[kP + 1].present() && state[1] > cell[1])
    return Error::not_supported("peepholes with more outputs than cells, which TFLite reads out of bounds");
  if (!projects && (cells != outputs || in[kProjectionBias].present()))
    return Error::invalid_model("without a projection it has {} cells, {} outputs", cells, outputs);
  TRY(expect_fact(in[kH], {kH, "the state", DType::kI8, {batch, outputs}, false}));
  TRY(expect_fact(in[kC], {kC, "the cell", DType::kI16, {batch, cells}, false}));
  TRY(check_scales(*this, in));
  Dims y = *in[kX].dims;
  y[2] = outputs;
  return Facts{quantized_fact(DType::kI8, y, scales[kH], h_zero),
               quantized_fact(DType::kI8, {batch, outputs}, scales[kH], h_zero),
               quantized_fact(DType::kI16, {batch, cells}, scales[kC], 0)};
}

Cost IntegerLstm::cost(std::span<const Fact> in, std::span<const Fact> out) const {
  const auto x = in[kX].shape();
  if (!x) return Op::cost(in, out);
  int64_t macs = 0;
  for (size_t i = 1; i < in.size(); ++i)
    if (in[i].present() && in[i].dtype == DType::kI8 && i != kH) macs += in[i].shape()->elements();
  return {macs * (*x)[0] * (*x)[1], bytes_of(in) + bytes_of(out)};
}

// Evaluation.
// ------------------------------------------------------------------------------------------------------

IntegerLstmParts IntegerLstmParts::of(const IntegerLstm& op, std::span<const Tensor> given) {
  Tensors in(given.begin(), given.end());
  in.resize(IntegerLstm::kInputs);
  IntegerLstmParts out;
  const Shape& xs = in[kX].shape();
  out.steps = xs[op.time_major ? 0 : 1];
  out.batch = xs[op.time_major ? 1 : 0];
  out.inputs = xs[2];
  out.cells = in[kC].shape()[1];
  out.outputs = in[kH].shape()[1];
  out.has_input_gate = in[kW].defined();
  out.time_major = op.time_major;
  const std::vector<float>& scale = op.scales;
  for (size_t k = out.has_input_gate ? 0 : 1; k < 4; ++k) {
    IntegerGate& gate = out.gates[k];
    gate = {in[kW + k], in[kR + k], {}, in[kNorm + k], in[kB + k], {}, {}, {}, {}, {}, {}};
    gate.w_bias = bias_with_zero(gate.w, op.x_zero, gate.norm.defined() ? Tensor() : gate.bias);
    gate.r_bias = bias_with_zero(gate.r, op.h_zero, {});
    gate.wx = fixed_ratio(scale[kW + k], scale[kX], op.gate_scales[k]);
    gate.rh = fixed_ratio(scale[kR + k], scale[kH], op.gate_scales[k]);
    if (k != 2) {
      const size_t p = kP + std::min<size_t>(k, 2);
      gate.p = in[p];
      const double ratio = static_cast<double>(scale[kC]) * static_cast<double>(scale[p]) /
                           static_cast<double>(op.gate_scales[k]);
      gate.pc = fixed_point(static_cast<double>(static_cast<float>(ratio)));
    }
    gate.normed = fixed_point(static_cast<double>(scale[kNorm + k]));
    gate.normed.exponent += 12;  // to Q3.12
    gate.least_variance = std::max(1, static_cast<int32_t>(std::min(10000 * scale[kNorm + k], 2e9f)));
  }
  out.cell_bits = 15 + static_cast<int>(std::lround(std::log2(scale[kC])));
  out.cell_clip = saturate16(static_cast<int64_t>(std::min(op.cell_clip / scale[kC], 32767.0f)));
  out.projection_clip = static_cast<int32_t>(std::min(op.projection_clip / scale[kH], 127.0f));
  constexpr double kGate = 1.0 / 32768;
  out.hidden = fixed_point(
      static_cast<double>(static_cast<float>(kGate / static_cast<double>(op.hidden_scale) * kGate)));
  // TFLite takes the projection's zero point with the other sign, which shows where it saturates.
  out.hidden_zero = static_cast<int32_t>(in[kProjection].defined() ? -op.hidden_zero : op.hidden_zero);
  out.h_zero = static_cast<int32_t>(op.h_zero);
  out.projection = in[kProjection];
  if (out.projection.defined()) {
    out.projection_bias = bias_with_zero(out.projection, -op.hidden_zero, in[kProjectionBias]);
    out.projected = fixed_ratio(scale[kProjection], op.hidden_scale, scale[kH]);
  }
  return out;
}

std::optional<size_t> IntegerLstmParts::peephole(int64_t sequence, int64_t cell) const {
  const int64_t at = time_major ? sequence * cells + cell : cell;
  if (at >= (time_major ? batch : 1) * outputs) return std::nullopt;
  return static_cast<size_t>(at % outputs);
}

void IntegerLstmParts::add_peepholes(const IntegerGate& gate, int64_t sequence, const int16_t* c,
                                     std::span<int16_t> sums) const {
  for (size_t j = 0; j < sums.size(); ++j) {
    const auto at = peephole(sequence, static_cast<int64_t>(j));
    if (!at) continue;
    const int32_t product = gate.p.data<int16_t>()[*at] * c[j];
    sums[j] = saturate16(int64_t{multiply(product, gate.pc)} + sums[j]);
  }
}

void IntegerGate::normalise(std::span<int16_t> values) const {
  const auto count = static_cast<int64_t>(values.size());
  int64_t sum = 0, squares = 0;
  for (const int16_t v : values) {
    sum += v;
    squares += v * v;
  }
  constexpr int64_t kOne = 1 << 20;
  const auto mean = static_cast<int32_t>(sum * 1024 / count);
  auto variance = static_cast<int32_t>((squares * (kOne / count) - int64_t{mean} * mean) / kOne);
  if (variance < 1) variance = least_variance;
  const FixedPoint root = inverse_sqrt(variance);
  for (size_t j = 0; j < values.size(); ++j) {
    const int32_t scaled = multiply(1024 * values[j] - mean, root);
    const int64_t weighted =
        int64_t{wrap_int32(int64_t{scaled} * norm.data<int16_t>()[j])} + bias.data<int32_t>()[j];
    const auto rounded = static_cast<int32_t>((weighted > 0 ? weighted + 512 : weighted - 512) / 1024);
    values[j] = saturate16(multiply(rounded, normed));
  }
}

int16_t IntegerLstmParts::next_cell(int16_t input, int16_t forget, int16_t admitted, int16_t c) const {
  const int32_t admit = has_input_gate ? input : 32767 - forget;
  const auto kept = static_cast<int16_t>(divide_by_power(forget * c, 15));
  const auto added = static_cast<int16_t>(divide_by_power(admit * admitted, 15 + cell_bits));
  const int16_t sum = saturate16(int64_t{kept} + added);
  return cell_clip > 0 ? static_cast<int16_t>(std::clamp<int32_t>(sum, -cell_clip, cell_clip)) : sum;
}

int8_t IntegerLstmParts::hidden_of(int16_t gate, int16_t shown) const {
  const int64_t value = int64_t{multiply(gate * shown, hidden)} + hidden_zero;
  return static_cast<int8_t>(std::clamp<int64_t>(value, -128, 127));
}

int8_t IntegerLstmParts::output_of(int16_t projected_sum) const {
  const int32_t y = std::clamp(projected_sum + h_zero, -128, 127), clip = projection_clip;
  return static_cast<int8_t>(clip > 0 ? std::clamp(y, -clip, clip) : y);
}

namespace {

int32_t dot(std::span<const int8_t> row, const int8_t* x, int32_t bias) {
  int64_t sum = bias;
  for (size_t i = 0; i < row.size(); ++i) sum += row[i] * x[i];
  return wrap_int32(sum);
}

/// One sequence's step, in place.
class CellStep {
 public:
  explicit CellStep(const IntegerLstmParts& parts) : parts_(parts), gate_(4) {
    for (auto& gate : gate_) gate.resize(static_cast<size_t>(parts.cells));
    hidden_.resize(static_cast<size_t>(parts.cells));
  }

  /// Of sequence n.
  void run(int64_t n, const int8_t* x, int8_t* h, int16_t* c) {
    sequence_ = n;
    for (size_t k = parts_.has_input_gate ? 0 : 1; k < 3; ++k) compute_gate(k, x, h, c);
    for (size_t j = 0; j < hidden_.size(); ++j)
      c[j] = parts_.next_cell(gate_[0][j], gate_[1][j], gate_[2][j], c[j]);
    compute_gate(3, x, h, c);
    for (size_t j = 0; j < hidden_.size(); ++j)
      hidden_[j] = parts_.hidden_of(gate_[3][j], tanh_q(c[j], parts_.cell_bits));
    project(h);
  }

 private:
  void compute_gate(size_t k, const int8_t* x, const int8_t* h, const int16_t* c) {
    const IntegerGate& gate = parts_.gates[k];
    std::vector<int16_t>& sum = gate_[k];
    for (size_t j = 0; j < sum.size(); ++j) {
      const auto row = static_cast<int64_t>(j);
      sum[j] = saturate16(multiply(dot(bytes_of_row(gate.w, row), x, gate.w_bias[j]), gate.wx));
      sum[j] =
          saturate16(int64_t{multiply(dot(bytes_of_row(gate.r, row), h, gate.r_bias[j]), gate.rh)} + sum[j]);
    }
    if (gate.p.defined()) parts_.add_peepholes(gate, sequence_, c, sum);
    if (gate.norm.defined()) gate.normalise(sum);
    for (int16_t& v : sum) v = k == 2 ? tanh_q(v, 3) : sigmoid_q3(v);
  }

  void project(int8_t* h) const {
    if (!parts_.projection.defined()) {
      std::copy(hidden_.begin(), hidden_.end(), h);
      return;
    }
    for (int64_t o = 0; o < parts_.outputs; ++o) {
      const int32_t sum = dot(bytes_of_row(parts_.projection, o), hidden_.data(),
                              parts_.projection_bias[static_cast<size_t>(o)]);
      h[o] = parts_.output_of(saturate16(multiply(sum, parts_.projected)));
    }
  }

  const IntegerLstmParts& parts_;
  int64_t sequence_ = 0;
  std::vector<std::vector<int16_t>> gate_;
  std::vector<int8_t> hidden_;
};

}  // namespace

Result<Tensors> IntegerLstm::eval(std::span<const Tensor> in) const {
  const IntegerLstmParts parts = IntegerLstmParts::of(*this, in);
  TRY(Tensors out, make_outputs(*this, in));
  std::copy_n(in[kH].bytes(), in[kH].byte_size(), out[1].mutable_bytes());
  std::copy_n(in[kC].bytes(), in[kC].byte_size(), out[2].mutable_bytes());
  CellStep step(parts);
  for (int64_t n = 0; n < parts.batch; ++n)
    for (int64_t t = 0; t < parts.steps; ++t) {
      const int64_t at = time_major ? t * parts.batch + n : n * parts.steps + t;
      int8_t* h = out[1].mutable_data<int8_t>().data() + n * parts.outputs;
      step.run(n, in[kX].data<int8_t>().data() + at * parts.inputs, h,
               out[2].mutable_data<int16_t>().data() + n * parts.cells);
      std::copy_n(h, parts.outputs, out[0].mutable_data<int8_t>().data() + at * parts.outputs);
    }
  return out;
}

}  // namespace pochade

#pragma once
// What RNN, GRU and LSTM share: gates' functions, directions, sequence lengths.

#include <functional>

#include "graph/op.h"

namespace pochade {

/// A function of a gate or of the cell's output. alpha and beta as in ONNX's operator of that name.
enum class GateFunction {
  kRelu,
  kTanh,
  kSigmoid,
  kAffine,           ///< alpha * x + beta
  kLeakyRelu,        ///< x < 0 ? alpha * x : x
  kThresholdedRelu,  ///< x >= alpha ? x : 0
  kScaledTanh,       ///< alpha * tanh(beta * x)
  kHardSigmoid,
  kElu,
  kSoftsign,
  kSoftplus,
};
/// ONNX's names: "Relu", "ScaledTanh"...
std::string_view to_string(GateFunction function);
/// By ONNX's name, in any case of letters; empty if unknown.
std::optional<GateFunction> gate_function(std::string_view name);
/// Which of its parameters a function uses, and their values when the model names none.
struct GateParameters {
  bool has_alpha = false, has_beta = false;
  float alpha = 0, beta = 0;
};
GateParameters default_parameters(GateFunction function);

enum class Direction { kForward, kReverse, kBidirectional };
std::string_view to_string(Direction direction);

/// The attributes that RNN, GRU and LSTM have in common.
struct Recurrence {
  int64_t hidden_size = 0;
  Direction direction = Direction::kForward;
  std::vector<int64_t> functions;  ///< GateFunction values; those of the reverse direction follow
  std::vector<float> alpha;        ///< one each
  std::vector<float> beta;         ///< one each
  float clip = 0;                  ///< gates' inputs are limited to [-clip, clip]; 0: not at all
  bool batch_first = false;        ///< ONNX's layout = 1

  static void fields(auto& self, auto&& f) {
    f("hidden_size", self.hidden_size);
    f("direction", self.direction);
    f("functions", self.functions);
    f("alpha", self.alpha);
    f("beta", self.beta);
    f("clip", self.clip);
    f("batch_first", self.batch_first);
  }
  int directions() const { return direction == Direction::kBidirectional ? 2 : 1; }
  /// The k-th function of a direction, of `per_direction` ones, with the clip before it.
  double apply(int direction_index, int k, int per_direction, double x) const;
  /// The same without the clip.
  double apply_unclipped(int direction_index, int k, int per_direction, double x) const;
};

/// The functions of every direction the same: Sigmoid, Tanh, Tanh for LSTM.
void set_functions(Recurrence& recurrence, std::initializer_list<GateFunction> each_direction);

/// Sizes of one run. Inputs stand as ONNX numbers them: 0 x, 1 w, 2 r, 3 b, 4 sequence_lens, 5 initial_h, 6
/// initial_c, 7 p.
struct RecurrentSizes {
  int64_t steps = 0, batch = 0, input = 0, hidden = 0;
};

/// Dtypes and shapes of what the three have in common; gives the facts of y, y_h and, for cells with one,
/// y_c. `gates`: how many hidden_size rows w and r have (RNN 1, GRU 3, LSTM 4); `functions`: how many a
/// direction has.
Result<Facts> infer_recurrent(const Recurrence& recurrence, std::span<const Fact> in, int gates,
                              int functions, bool has_cell);

/// All tensors of a run as double, ONNX's layout 0: the cell code need not know layouts, directions or
/// lengths.
class RecurrentRun {
 public:
  /// Computes one step of one sequence: `x` the input row, `h` and `c` the state, read and written.
  using Cell = std::function<void(int direction, const double* x, double* h, double* c)>;

  static Result<RecurrentRun> prepare(const Recurrence& recurrence, std::span<const Tensor> in, int gates,
                                      bool has_cell);
  /// Runs all sequences in all directions; the result has the dtype of x.
  Result<Tensors> run(const Cell& cell);

  const RecurrentSizes& sizes() const { return sizes_; }
  /// w[row] . x + r[row] . h + both biases, of a direction.
  double preactivation(int direction, int64_t row, const double* x, const double* h) const {
    return from_input(direction, row, x) + from_state(direction, row, h);
  }
  double from_input(int direction, int64_t row, const double* x) const;
  double from_state(int direction, int64_t row, const double* h) const;
  /// Peephole weight of the gate, 0 without peepholes.
  double peephole(int direction, int64_t index) const {
    return p_.empty() ? 0 : p_[static_cast<size_t>(direction * 3 * sizes_.hidden + index)];
  }

 private:
  const Recurrence* recurrence_ = nullptr;
  RecurrentSizes sizes_;
  int64_t rows_ = 0;
  bool has_cell_ = false;
  DType dtype_ = DType::kF32;
  std::vector<double> x_, w_, r_, b_, h_, c_, p_;
  std::vector<int64_t> lengths_;
};

/// Multiply-accumulates of w and r at every step.
Cost recurrent_cost(std::span<const Fact> in, std::span<const Fact> out);

}  // namespace pochade

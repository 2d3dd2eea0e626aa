#include "passes/pipeline.h"

#include <array>

#include "ops/quant/qlinear_conv.h"
#include "ops/quant/qlinear_matmul.h"
#include "ops/quant/quantize_linear.h"
#include "passes/cancel_qdq.h"
#include "passes/common_subexpressions.h"
#include "passes/expand_qlinear.h"
#include "passes/fold_activation.h"
#include "passes/fold_batch_norm.h"
#include "passes/fold_constants.h"
#include "passes/fold_pad.h"
#include "passes/fold_qdq.h"
#include "passes/fold_scale_bias.h"
#include "passes/half_to_float.h"
#include "passes/remove_identities.h"
#include "passes/sink_transposes.h"

namespace pochade {
namespace {

// Every pass makes the graph smaller or moves it towards one normal form, so both loops end; the limits are
// for our own bugs.
constexpr int kMaxRepeats = 100;
constexpr int kMaxRounds = 10;

template <auto find>
Result<std::optional<Graph>> applied(const Graph& graph, const PassOptions&) {
  TRY(auto edit, find(graph));
  if (edit.empty()) return std::optional<Graph>();
  TRY(Graph out, std::move(edit).apply());
  return std::optional<Graph>(std::move(out));
}

Result<std::optional<Graph>> widen_halves(const Graph& graph, const PassOptions& options) {
  // Every inner Fact is inferred anew: sizes that the import computed from constants must become known again.
  constexpr int64_t kKnownLimitBytes = 4096;
  if (!options.half_to_float) return std::optional<Graph>();
  TRY(Retype edit, half_to_float(graph));
  if (edit.empty()) return std::optional<Graph>();
  TRY(Graph out, std::move(edit).apply(kKnownLimitBytes));
  return std::optional<Graph>(std::move(out));
}

Result<std::optional<Graph>> fold_integers(const Graph& graph, const PassOptions& options) {
  return options.keep_qdq ? Result<std::optional<Graph>>(std::nullopt) : applied<fold_qdq>(graph, options);
}

Result<std::optional<Graph>> fold_known(const Graph& graph, const PassOptions& options) {
  return options.keep_qdq ? applied<fold_plain_constants>(graph, options)
                          : applied<fold_constants>(graph, options);
}

constexpr std::array kPasses = {
    PassInfo{"half_to_float", "Computes 16-bit float networks in float32", widen_halves},
    PassInfo{"expand_qlinear", "Writes QLinearConv and QLinearMatMul as real operators between quantizations",
             applied<expand_qlinear>},
    PassInfo{"cancel_qdq", "Removes quantization that undoes a dequantization", applied<cancel_qdq>},
    PassInfo{"fold_qdq", "Computes on integers what stands between dequantization and quantization",
             fold_integers},
    PassInfo{"fold_constants", "Computes what depends on constants only", fold_known},
    PassInfo{"remove_identities", "Removes operators that give their input back", applied<remove_identities>},
    PassInfo{"sink_transposes", "Runs operators channels-last where that saves transposes",
             applied<sink_transposes>},
    PassInfo{"common_subexpressions", "Computes once what several nodes compute alike",
             applied<common_subexpressions>},
    PassInfo{"fold_pad", "Moves padding into the convolution or pool after it", applied<fold_pad>},
    PassInfo{"fold_batch_norm", "Moves batch normalization into weights", applied<fold_batch_norm>},
    PassInfo{"fold_scale_bias", "Moves sums and products by channel into weights", applied<fold_scale_bias>},
    PassInfo{"fold_gates", "Recognises Silu and HardSwish", applied<fold_gates>},
    PassInfo{"fold_activation", "Moves activations into the operator before them", applied<fold_activation>},
};

Status dump(const Graph& graph, const PassOptions& options, std::string_view name, int number) {
  if (options.dump_folder.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(options.dump_folder, error);
  if (error) return Error::io("cannot make the folder {}: {}", options.dump_folder, error.message());
  const std::string digits = std::to_string(number);
  const std::string file = format("{}{}_{}.txt", digits.size() < 2 ? "0" : "", digits, name);
  return write_file(options.dump_folder / file, graph.dump());
}

bool has_qdq(const Graph& graph) {
  for (NodeId n = 0; n < graph.node_count(); ++n) {
    const Node& node = graph.node(n);
    if (node.op &&
        (op_as<DequantizeLinear>(*node.op) || op_as<QLinearConv>(*node.op) || op_as<QLinearMatMul>(*node.op)))
      return true;
  }
  return false;
}

/// Which passes need not run again: they found nothing in this very graph.
struct History {
  int version = 0;                          // of the graph
  std::array<int, kPasses.size()> found{};  // by pass: the version in which it found nothing
  History() { found.fill(-1); }
};

/// All passes until nothing changes; whether `stop_after` was reached before.
Result<bool> run_passes(Graph& graph, const PassOptions& options, History& history, int& dumps) {
  for (int round = 0; round < kMaxRounds; ++round) {
    const int before = history.version;
    for (size_t p = 0; p < kPasses.size(); ++p) {
      const PassInfo& pass = kPasses[p];
      const int before_this = history.version;
      for (int repeat = 0; repeat < kMaxRepeats && history.found[p] != history.version; ++repeat) {
        TRY(std::optional<Graph> next, pass.run(graph, options).context("pass {}", pass.name));
        if (next) {
          graph = *std::move(next);
          ++history.version;
        } else {
          history.found[p] = history.version;
        }
      }
      if (history.version != before_this) TRY(dump(graph, options, pass.name, dumps++));
      if (pass.name == options.stop_after && !(options.keep_qdq && pass.name == "fold_qdq")) return true;
    }
    if (history.version == before) break;
  }
  return false;
}

}  // namespace

std::span<const PassInfo> passes() {
  return kPasses;
}

Result<Graph> optimise(Graph graph, const PassOptions& options) {
  if (!options.stop_after.empty() && std::none_of(kPasses.begin(), kPasses.end(), [&](const PassInfo& p) {
        return p.name == options.stop_after;
      })) {
    std::vector<std::string_view> names;
    for (const PassInfo& pass : kPasses) names.push_back(pass.name);
    return Error::invalid_argument("there is no pass \"{}\"; the passes are {}", options.stop_after,
                                   join(names));
  }
  int dumps = 0;
  TRY(dump(graph, options, "imported", dumps++));
  // Operators on integers are made of real ones in their final form: transposes moved, activations folded.
  PassOptions stage = options;
  History history;
  for (const bool keep_qdq : {true, false}) {
    stage.keep_qdq = keep_qdq || options.keep_qdq;
    if (keep_qdq && !has_qdq(graph)) continue;
    for (size_t p = 0; p < kPasses.size(); ++p)
      if (kPasses[p].run == fold_integers || kPasses[p].run == fold_known) history.found[p] = -1;
    TRY(const bool stopped, run_passes(graph, stage, history, dumps));
    if (stopped) break;
  }
  return graph;
}

}  // namespace pochade

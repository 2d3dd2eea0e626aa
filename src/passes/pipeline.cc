#include "passes/pipeline.h"

#include <array>

#include "passes/fold_constants.h"
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

constexpr std::array kPasses = {
    PassInfo{"fold_constants", "Computes what depends on constants only", applied<fold_constants>},
    PassInfo{"remove_identities", "Removes operators that give their input back", applied<remove_identities>},
    PassInfo{"sink_transposes", "Runs operators channels-last where that saves transposes", applied<sink_transposes>},
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
  for (int round = 0; round < kMaxRounds; ++round) {
    bool changed = false;
    for (const PassInfo& pass : kPasses) {
      bool changed_by_this = false;
      for (int repeat = 0; repeat < kMaxRepeats; ++repeat) {
        TRY(std::optional<Graph> next, pass.run(graph, options).context("pass {}", pass.name));
        if (!next) break;
        graph = *std::move(next);
        changed_by_this = true;
      }
      if (changed_by_this) TRY(dump(graph, options, pass.name, dumps++));
      changed |= changed_by_this;
      if (pass.name == options.stop_after) return graph;
    }
    if (!changed) break;
  }
  return graph;
}

}  // namespace pochade

#pragma once
// What the verbs share: errors, exit codes, shapes and sessions from flags.

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/session.h"

namespace pochade {

/// Ends a verb with one line (and a hint), and the exit code: 1 the job failed, 2 wrong usage.
struct VerbFailure {
  std::string line;
  std::string hint;
  int exit_code = 1;
};
[[noreturn]] void fail(const Error& error);
[[noreturn]] void fail_usage(std::string line, std::string hint = "");

/// The value, or the end of the verb.
template <typename T>
T value_or_fail(Result<T> result) {
  if (!result) fail(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Flags of the verbs that run a model.
struct RunFlags {
  int threads = 0;
  std::string isa;
  std::vector<std::string> shapes;  ///< NAME=1x3x480x640
  void add_to(CLI::App& verb);
  /// Without --shape: for verbs whose inputs have sizes of their own.
  void add_engine_to(CLI::App& verb);
  SessionOptions options() const;
  std::map<std::string, Shape> shapes_by_name() const;
};

/// Splits at the last '=': names may contain one.
std::pair<std::string, std::string> split_assignment(const std::string& text, const char* flag);

/// Several lines without the last line's end; bytes that are no UTF-8 (of names in files) become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);
/// Prints to stdout, at once.
void print_json(const nlohmann::ordered_json& json);
/// Numbers that JSON lacks: infinite and NaN become null.
nlohmann::ordered_json json_number(double value);

/// A session of a model file with its random inputs, ready to run.
struct LoadedModel {
  Session session;
  Tensors inputs;
  double load_ms = 0;
  int64_t rss_before_bytes = 0;
};
LoadedModel load_with_random_inputs(const std::string& path, const RunFlags& flags, uint64_t seed);

}  // namespace pochade

// Runs ONNX's own node tests (Debian package libonnx-testdata) through import and the oracles, and writes
// docs/operators.md.
//
//   onnx_conformance [--data DIR] [--only TEXT] [--list OUTCOMES] [--engine] [--docs FILE [--write-docs]]
//   onnx_conformance --round-trip [--opset N] [--keep DIR] [--data DIR] [--only TEXT] [--list OUTCOMES]
//
// --round-trip writes each model as ONNX, reads that again and runs it; what is written of it a second time
// must be the same graph. --keep leaves the written files in DIR for others to judge (tests/onnx/judge.py).
//
// --engine runs the optimised plan of a Session instead of the oracles. --list prints tests by outcome as
// well: p(ass), n(ot supported), d(isputed).
//
// Exit 1 if any result is wrong, anything crashes, fewer than kFloor tests pass, or FILE is out of date.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "engine/session.h"
#include "formats/graph_difference.h"
#include "formats/onnx/export.h"
#include "formats/onnx/import.h"
#include "formats/onnx/rows.h"
#include "graph/evaluate.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

/// Raise it when more operators work.
constexpr int kFloor = 875;
/// The same after a round trip, and how many of these give an equal graph.
constexpr int kRoundTripFloor = 874;
constexpr int kEqualFloor = 864;
/// Seconds after which a test counts as a crash.
constexpr unsigned kTimeLimitSeconds = 60;

enum class Outcome : char { kPass = 'p', kNotSupported = 'n', kWrong = 'w', kCrash = 'c', kDisputed = 'd' };

struct Report {
  Outcome outcome = Outcome::kCrash;
  std::string reason;
};

/// Whose recorded data nobody has to match: ONNX Runtime disagrees with the first three as well; bfloat16 was
/// recorded by cutting bits off, where the standard rounds; an input of these CastLike tests has another
/// shape than the model says.
bool is_disputed(std::string_view test) {
  return test == "test_maxunpool_export_with_output_shape" ||
         test == "test_resize_downsample_scales_cubic_align_corners" ||
         test == "test_resize_downsample_scales_linear_align_corners" ||
         test == "test_cast_FLOAT_to_BFLOAT16" ||
         (test.starts_with("test_castlike_") && test.find("BFLOAT16") != std::string_view::npos);
}

/// Their values come from a generator: only types and shapes can be compared.
bool is_random(std::string_view test) {
  return test.starts_with("test_bernoulli") || test.starts_with("test_training_dropout") ||
         test.starts_with("test_random");
}

struct Tolerance {
  double relative = 1e-3;
  double absolute = 1e-5;
};

Tolerance tolerance_of(std::string_view test) {
  if (test.starts_with("test_dft") || test.starts_with("test_stft")) return {1e-3, 1e-4};
  return {};
}

/// Empty if they agree.
std::string difference(const Tensor& got, const Tensor& wanted, Tolerance tolerance, bool values_matter) {
  if (got.dtype() != wanted.dtype())
    return format("is {}, expected {}", to_string(got.dtype()), to_string(wanted.dtype()));
  if (!(got.shape() == wanted.shape()))
    return format("has the shape {}, expected {}", got.shape(), wanted.shape());
  if (!values_matter) return "";
  if (!is_float(got.dtype())) {
    if (got.identical(wanted)) return "";
    const auto a = to_int64s(got), b = to_int64s(wanted);
    for (size_t i = 0; i < a.size(); ++i)
      if (a[i] != b[i]) return format("element {} is {}, expected {}", i, a[i], b[i]);
  }
  const Tensor a = got.cast(DType::kF64).value(), b = wanted.cast(DType::kF64).value();
  for (int64_t i = 0; i < a.elements(); ++i) {
    const double x = a.data<double>()[static_cast<size_t>(i)], y = b.data<double>()[static_cast<size_t>(i)];
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    if (!(std::abs(x - y) <= tolerance.absolute + tolerance.relative * std::abs(y)))
      return format("element {} is {}, expected {}", i, x, y);
  }
  return "";
}

Result<Tensor> read_tensor(const fs::path& path) {
  TRY(const Bytes file, map_file(path));
  TRY(const onnx::TensorProto proto, onnx::parse_tensor(file.span()));
  return onnx::TensorFiles(file, "").tensor(proto);
}

/// Threads are made after the fork: a child has none of its parent's.
Result<Tensors> run_engine(const Graph& graph, const Tensors& inputs) {
  SessionOptions options;
  options.threads = 2;
  TRY(Session session, Session::create(graph, options));
  return session.run(inputs);
}

/// The package's bfloat16 values are written as uint16.
Tensor as_bfloat16(const Tensor& tensor, std::optional<DType> wanted) {
  if (wanted != DType::kBF16 || tensor.dtype() != DType::kU16) return tensor;
  const std::span bytes(tensor.bytes(), tensor.byte_size());
  return Tensor::from_bytes(DType::kBF16, tensor.shape(), Bytes::copy_of(bytes)).value();
}

Report run_data_set(const Graph& graph, const std::string& test, const fs::path& folder, bool engine) {
  const auto failure = [](const Error& error) {
    return Report{error.code() == ErrorCode::kNotSupported ? Outcome::kNotSupported : Outcome::kWrong,
                  error.text()};
  };
  Tensors inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    auto input = read_tensor(folder / format("input_{}.pb", i));
    if (!input) return failure(input.error());
    inputs.push_back(as_bfloat16(*input, graph.fact(graph.inputs()[i]).dtype));
  }
  const auto outputs = engine ? run_engine(graph, inputs) : evaluate(graph, inputs);
  if (!outputs) return failure(outputs.error());
  for (size_t i = 0; i < outputs->size(); ++i) {
    const auto wanted = read_tensor(folder / format("output_{}.pb", i));
    if (!wanted) return failure(wanted.error());
    const std::string text = difference((*outputs)[i], as_bfloat16(*wanted, (*outputs)[i].dtype()),
                                        tolerance_of(test), !is_random(test));
    if (!text.empty()) return {Outcome::kWrong, format("output {} {}", i, text)};
  }
  return {Outcome::kPass, ""};
}

struct Options {
  fs::path data = "/usr/share/libonnx-testdata/data/node";
  std::string only;
  std::string list;
  fs::path docs;
  bool engine = false;
  bool write_docs = false;
  bool round_trip = false;
  int opset = kNewestExportOpset;
  fs::path keep;  ///< where round trips leave what they write, as TEST.onnx
};

/// The graph as it is after it was written and read again. In the fixed point of that nothing changes.
Result<Graph> round_trip(const Graph& graph, int opset) {
  const auto again = [&](const Graph& from) -> Result<Graph> {
    TRY(const std::string bytes, export_onnx_bytes(from, {.opset = opset}));
    return Result<Graph>(import_onnx(Bytes::copy_of(bytes), "")).context("reading what was written");
  };
  TRY(Graph once, again(graph));
  TRY(const Graph twice, again(once));
  const std::string difference = graph_difference(once, twice);
  if (!difference.empty()) return Error::invalid_model("written twice: {}", difference);
  return once;
}

Report run_test(const std::string& test, const fs::path& folder, const Options& options) {
  auto graph = import_onnx(folder / "model.onnx");
  if (!graph) {
    Error error = graph.error();
    std::string text = error.text();
    const std::string prefix = format("cannot read {}: ", folder / "model.onnx");
    if (text.starts_with(prefix)) text = text.substr(prefix.size());
    return {error.code() == ErrorCode::kNotSupported ? Outcome::kNotSupported : Outcome::kWrong, text};
  }
  if (const Status status = graph->verify(); !status)
    return {Outcome::kWrong, "verify: " + status.error().text()};
  std::string difference;  // of the graph before and after a round trip
  if (options.round_trip) {
    Result<Graph> again = round_trip(*graph, options.opset);
    if (!again)
      return {again.error().code() == ErrorCode::kNotSupported ? Outcome::kNotSupported : Outcome::kWrong,
              again.error().text()};
    difference = graph_difference(*graph, *again);
    if (!options.keep.empty())
      if (const Status kept = export_onnx(*graph, options.keep / (test + ".onnx"), {.opset = options.opset});
          !kept)
        return {Outcome::kWrong, kept.error().text()};
    *graph = *std::move(again);
  }
  Report report{Outcome::kWrong, "has no data"};
  for (int i = 0; fs::exists(folder / format("test_data_set_{}", i)); ++i) {
    report = run_data_set(*graph, test, folder / format("test_data_set_{}", i), options.engine);
    if (report.outcome != Outcome::kPass) return report;
  }
  if (report.outcome == Outcome::kPass) report.reason = difference;
  return report;
}

/// In a child process: a crash is one test's outcome.
Report run_isolated(const std::string& test, const fs::path& folder, const Options& options) {
  int ends[2];
  if (::pipe(ends) != 0) return {Outcome::kCrash, "no pipe"};
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return {Outcome::kCrash, "no process"};
  if (child == 0) {
    ::close(ends[0]);
    ::alarm(kTimeLimitSeconds);
    const Report report = run_test(test, folder, options);
    const std::string text = static_cast<char>(report.outcome) + report.reason.substr(0, 4000);
    const ssize_t written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  ssize_t got;
  while ((got = ::read(ends[0], buffer, sizeof(buffer))) > 0) text.append(buffer, static_cast<size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return {Outcome::kCrash, ::strsignal(WTERMSIG(status))};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || text.empty()) return {Outcome::kCrash, "ended early"};
  return {static_cast<Outcome>(text[0]), text.substr(1)};
}

struct Test {
  std::string name;
  fs::path folder;
  std::string op;      ///< the operator that it is about
  std::string domain;  ///< of op
  Report report;
};

/// The operator of the only node, or of the test whose expansion into a function's nodes this is.
void find_operators(std::vector<Test>& tests) {
  std::map<std::string, const Test*, std::less<>> by_name;
  for (Test& test : tests) {
    by_name[test.name] = &test;
    const auto file = map_file(test.folder / "model.onnx");
    if (!file) continue;
    const auto model = onnx::parse_model(*file);
    if (!model || model->graph.nodes.empty()) continue;
    test.op = model->graph.nodes.back().op_type;
    test.domain = onnx::normal_domain(model->graph.nodes.back().domain);
  }
  for (Test& test : tests) {
    const size_t at = test.name.find("_expanded");
    if (at == std::string::npos) continue;
    const auto base = by_name.find(std::string_view(test.name).substr(0, at));
    if (base == by_name.end()) continue;
    test.op = base->second->op;
    test.domain = base->second->domain;
  }
}

std::string sentence(const std::string& reason) {
  // The node's name says nothing here.
  std::string out = reason;
  if (out.starts_with("node \"")) {
    const size_t end = out.find("): ");
    if (end != std::string::npos) out = out.substr(end + 3);
  }
  for (size_t at; (at = out.find(", node \"")) != std::string::npos;) {
    const size_t end = out.find('"', at + 8);
    out.erase(at, end == std::string::npos ? end : end + 1 - at);
  }
  std::replace(out.begin(), out.end(), '|', '/');
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

std::string opsets_text(const std::string& domain, const std::string& op) {
  int since = onnx::kNewestOpset + 1, until = 0;
  for (const onnx::Row& row : onnx::all_rows()) {
    if (row.domain != domain || row.name != op || row.import == nullptr) continue;
    since = std::min(since, std::max(row.since_opset, onnx::kOldestOpset));
    until = std::max(until, row.until_opset);
  }
  if (domain.empty() && op == "Constant") return format("{} to {}", onnx::kOldestOpset, onnx::kNewestOpset);
  if (until == 0) return "no";
  return since == until ? std::to_string(since) : format("{} to {}", since, until);
}

std::string document(const std::vector<Test>& tests) {
  struct Line {
    int passed = 0, total = 0;
    std::set<std::string> reasons;
  };
  std::map<std::pair<std::string, std::string>, Line> lines;
  for (const onnx::Row& row : onnx::all_rows())
    if (row.import != nullptr) lines[{std::string(row.domain), std::string(row.name)}];
  int passed = 0, not_supported = 0, disputed = 0;
  for (const Test& test : tests) {
    Line& line = lines[{test.domain, test.op}];
    ++line.total;
    switch (test.report.outcome) {
      case Outcome::kPass:
        ++line.passed, ++passed;
        break;
      case Outcome::kNotSupported:
        ++not_supported;
        line.reasons.insert(sentence(test.report.reason));
        break;
      case Outcome::kDisputed:
        ++disputed;
        line.reasons.insert("one test's recorded values are disputed");
        break;
      case Outcome::kWrong:
      case Outcome::kCrash:
        line.reasons.insert("FAILS: " + sentence(test.report.reason));
        break;
    }
  }
  std::string out = format(
      "# Operators\n\n"
      "What Pochade reads from ONNX files, opset 7 to {} (of older ones, what has not changed since). "
      "Written by\n"
      "`onnx_conformance --docs docs/operators.md --write-docs` from a run of ONNX's own node tests "
      "(libonnx-testdata):\n"
      "{} of {} pass, {} end in a clear \"not supported\", {} have recorded values that are disputed. An "
      "operator with\n"
      "0 / 0 has no test in that package; it is tested here by cases of its own.\n\n"
      "| Operator | Opsets | Node tests | Not supported |\n|---|---|---|---|\n",
      onnx::kNewestOpset, passed, tests.size(), not_supported, disputed);
  for (const auto& [key, line] : lines) {
    const auto& [domain, op] = key;
    std::vector<std::string> reasons(line.reasons.begin(), line.reasons.end());
    const bool known = opsets_text(domain, op) != "no";
    if (reasons.size() > 3) reasons = {reasons[0], reasons[1], format("and {} more", reasons.size() - 2)};
    out += format("| {}{}{} | {} | {} / {} | {} |\n", domain, domain.empty() ? "" : "::", op,
                  opsets_text(domain, op), line.passed, line.total,
                  known || reasons.empty() ? join(reasons, "; ") : reasons[0]);
  }
  return out;
}

int run(const Options& options) {
  std::error_code error;
  if (!fs::is_directory(options.data, error)) {
    std::printf("%s is absent (install libonnx-testdata)\n0 passed, 0 failed, 1 skipped\n",
                options.data.c_str());
    const char* ci = std::getenv("CI");
    return ci != nullptr && std::string_view(ci) == "true" ? 1 : 0;
  }
  std::vector<Test> tests;
  for (const auto& entry : fs::directory_iterator(options.data)) {
    const std::string name = entry.path().filename();
    if (fs::exists(entry.path() / "model.onnx") && name.find(options.only) != std::string::npos)
      tests.push_back({name, entry.path(), "", "", {}});
  }
  std::sort(tests.begin(), tests.end(), [](const Test& a, const Test& b) { return a.name < b.name; });
  find_operators(tests);

  std::map<Outcome, int> counts;
  int equal_graphs = 0;
  for (Test& test : tests) {
    test.report = run_isolated(test.name, test.folder, options);
    if (is_disputed(test.name) && test.report.outcome == Outcome::kWrong)
      test.report.outcome = Outcome::kDisputed;
    ++counts[test.report.outcome];
    equal_graphs += test.report.outcome == Outcome::kPass && test.report.reason.empty();
    const bool bad = test.report.outcome == Outcome::kWrong || test.report.outcome == Outcome::kCrash;
    if (bad || options.list.find(static_cast<char>(test.report.outcome)) != std::string::npos) {
      const char* word = test.report.outcome == Outcome::kWrong          ? "WRONG"
                         : test.report.outcome == Outcome::kCrash        ? "CRASH"
                         : test.report.outcome == Outcome::kNotSupported ? "not supported"
                         : test.report.outcome == Outcome::kDisputed     ? "disputed"
                                                                         : "pass";
      std::printf("%s: %s: %s\n", word, test.name.c_str(), test.report.reason.c_str());
    }
  }

  bool ok = counts[Outcome::kWrong] == 0 && counts[Outcome::kCrash] == 0;
  const bool whole = options.only.empty() && options.data.filename() == "node";
  const int floor = options.round_trip ? kRoundTripFloor : kFloor;
  if (whole && counts[Outcome::kPass] < floor) {
    std::printf("%d tests pass, at least %d did before\n", counts[Outcome::kPass], floor);
    ok = false;
  }
  if (options.round_trip) {
    std::printf("%d of %d graphs are equal after the round trip\n", equal_graphs, counts[Outcome::kPass]);
    if (whole && equal_graphs < kEqualFloor) {
      std::printf("at least %d were before\n", kEqualFloor);
      ok = false;
    }
  }
  if (!options.docs.empty() && options.only.empty()) {
    const std::string text = document(tests);
    if (options.write_docs) {
      if (const Status status = write_file(options.docs, text); !status) {
        std::printf("%s\n", status.error().text().c_str());
        ok = false;
      }
    } else {
      const auto old = map_file(options.docs);
      if (!old || old->text() != text) {
        std::printf("%s is out of date: run onnx_conformance --docs %s --write-docs\n", options.docs.c_str(),
                    options.docs.c_str());
        ok = false;
      }
    }
  }
  std::printf("%d passed, %d failed, %d skipped (%d not supported, %d disputed)\n", counts[Outcome::kPass],
              counts[Outcome::kWrong] + counts[Outcome::kCrash],
              counts[Outcome::kNotSupported] + counts[Outcome::kDisputed], counts[Outcome::kNotSupported],
              counts[Outcome::kDisputed]);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace pochade

int main(int argc, char** argv) {
  pochade::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool has_value = i + 1 < argc;
    if (argument == "--write-docs")
      options.write_docs = true;
    else if (argument == "--engine")
      options.engine = true;
    else if (argument == "--round-trip")
      options.round_trip = true;
    else if (argument == "--keep" && has_value)
      options.keep = argv[++i];
    else if (argument == "--opset" && has_value)
      options.opset = std::atoi(argv[++i]);
    else if (argument == "--data" && has_value)
      options.data = argv[++i];
    else if (argument == "--only" && has_value)
      options.only = argv[++i];
    else if (argument == "--list" && has_value)
      options.list = argv[++i];
    else if (argument == "--docs" && has_value)
      options.docs = argv[++i];
    else {
      std::fprintf(stderr,
                   "usage: onnx_conformance [--data DIR] [--only TEXT] [--list pnd] [--engine] [--docs FILE "
                   "[--write-docs]] [--round-trip [--opset N] [--keep DIR]]\n");
      return 2;
    }
  }
  return pochade::run(options);
}

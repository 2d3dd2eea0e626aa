#include "cli/common.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <iostream>

#include "base/memory.h"
#include "data/random_input.h"
#include "formats/formats.h"

namespace pochade {

void fail(const Error& error) {
  // How far it had come says enough of what was cancelled.
  const bool cancelled = error.code() == ErrorCode::kCancelled;
  throw VerbFailure{cancelled ? error.message() + "; nothing was half written" : error.text(), error.hint(),
                    1};
}
void fail_usage(std::string line, std::string hint) {
  throw VerbFailure{std::move(line), std::move(hint), 2};
}

void RunFlags::add_engine_to(CLI::App& verb) {
  verb.add_option("--threads", threads, "Threads (default: the CPUs that this process may use)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  verb.add_option("--isa", isa,
                  "Instruction set of the kernels: scalar, avx2, avx_vnni, avx512, avx512_vnni, neon, "
                  "neon_dotprod, neon_i8mm (default: the best here)")
      ->type_name("NAME");
}

void RunFlags::add_to(CLI::App& verb) {
  add_engine_to(verb);
  verb.add_option("--shape", shapes, "Shape of an input whose size is open: NAME=1x3x480x640")
      ->type_name("NAME=SHAPE");
}

SessionOptions RunFlags::options() const {
  SessionOptions out;
  out.threads = threads;
  if (!isa.empty()) {
    out.isa = parse_isa(isa);
    if (!out.isa)
      fail_usage(format("--isa {}: no such instruction set", isa),
                 "Known: scalar, avx2, avx_vnni, avx512, avx512_vnni, neon, neon_dotprod, neon_i8mm.");
  }
  return out;
}

std::map<std::string, Shape> RunFlags::shapes_by_name() const {
  std::map<std::string, Shape> out;
  for (const std::string& text : shapes) {
    const auto [input, dims] = split_assignment(text, "--shape");
    Shape shape;
    std::string_view rest = dims;
    while (!rest.empty()) {
      int64_t dim = 0;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), dim);
      const size_t used = static_cast<size_t>(end - rest.data());
      const bool more = used < rest.size();
      if (error != std::errc() || dim < 0 || shape.rank() == kMaxRank ||
          (more && (rest[used] != 'x' || used + 1 == rest.size())))
        fail_usage(format("--shape {}: cannot read \"{}\"", text, dims), "A shape is written 1x3x480x640.");
      shape.push_back(dim);
      rest.remove_prefix(more ? used + 1 : used);
    }
    out[input] = shape;
  }
  return out;
}

std::pair<std::string, std::string> split_assignment(const std::string& text, const char* flag) {
  const size_t at = text.rfind('=');
  if (at == std::string::npos || at == 0) fail_usage(format("{} {}: expected NAME=VALUE", flag, text));
  return {text.substr(0, at), text.substr(at + 1)};
}

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void print_json(const nlohmann::ordered_json& json) {
  std::cout << json_text(json) << std::endl;
}

nlohmann::ordered_json json_number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

LoadedModel load_with_random_inputs(const std::string& path, const RunFlags& flags, uint64_t seed) {
  const int64_t before = current_rss_bytes();
  const auto start = std::chrono::steady_clock::now();
  Graph graph = value_or_fail(import_model(path));
  const auto shapes = value_or_fail(input_shapes(graph, flags.shapes_by_name()));
  Session session = value_or_fail(Session::create(std::move(graph), flags.options()));
  value_or_fail(session.prepare(shapes));
  const double load_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  Tensors inputs = value_or_fail(random_inputs(session.graph(), shapes, seed));
  return {std::move(session), std::move(inputs), load_ms, before};
}

}  // namespace pochade

#include "cli/verdict.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "cli/common.h"

namespace pochade {

nlohmann::ordered_json differences_json(std::span<const Difference> differences) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Difference& d : differences)
    out.push_back({{"name", d.name},
                   {"max_abs", json_number(d.max_abs)},
                   {"max_relative", json_number(d.max_relative)},
                   {"cosine", json_number(d.cosine)},
                   {"psnr_db", json_number(d.psnr_db)},
                   {"steps", d.step > 0 ? json_number(d.steps()) : nlohmann::ordered_json()},
                   {"mismatch", d.mismatch}});
  return out;
}

nlohmann::ordered_json verdict_json(const Verdict& verdict, const VerifyOptions& options) {
  nlohmann::ordered_json out = {{"samples", options.samples},
                                {"tolerance", options.tolerance},
                                {"verdict", verdict.same ? "same" : "different"},
                                {"outputs", differences_json(verdict.outputs)}};
  out["first_difference"] = nlohmann::ordered_json();
  if (const auto& first = verdict.first)
    out["first_difference"] = {
        {"name", first->name}, {"max_abs", json_number(first->max_abs)}, {"mismatch", first->mismatch}};
  return out;
}

std::string in_steps(const Difference& d) {
  if (d.step == 0 || !d.mismatch.empty()) return "";
  // Of dequantized values the quotient is not quite whole.
  const double steps = std::round(d.steps() * 100) / 100;
  return format("within {} step{} of its integers", steps, steps == 1 ? "" : "s");
}

std::string of_rounding(const Difference& d) {
  std::array<char, 40> psnr;
  std::snprintf(psnr.data(), psnr.size(), "PSNR %.1f dB", d.psnr_db);
  const std::string steps = in_steps(d);
  return format("{}{}{} to the original", steps, steps.empty() ? "" : ", ", std::string(psnr.data()));
}

void print_differences(std::span<const Difference> differences) {
  for (const Difference& d : differences) {
    if (d.mismatch.empty())
      std::printf("%-30s max_abs %.3g  relative %.3g  cosine %.9f  PSNR %.1f dB%s%s\n", d.name.c_str(),
                  d.max_abs, d.max_relative, d.cosine, d.psnr_db, d.max_abs > 0 && d.step > 0 ? "  " : "",
                  d.max_abs > 0 ? in_steps(d).c_str() : "");
    else
      std::printf("%-30s %s\n", d.name.c_str(), d.mismatch.c_str());
  }
}

void print_verdict(const Verdict& verdict, const VerifyOptions& options) {
  print_differences(verdict.outputs);
  if (const auto& first = verdict.first)
    std::printf("They part at \"%s\": max_abs %.3g %s\n", first->name.c_str(), first->max_abs,
                first->mismatch.c_str());
  std::printf("%s (tolerance %g of the largest value, %d samples)\n", verdict.same ? "Same" : "Different",
              options.tolerance, options.samples);
}

}  // namespace pochade

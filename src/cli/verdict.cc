#include "cli/verdict.h"

#include <cstdio>

#include "cli/common.h"

namespace pochade {

nlohmann::ordered_json verdict_json(const Verdict& verdict, const VerifyOptions& options) {
  nlohmann::ordered_json out = {{"samples", options.samples},
                                {"tolerance", options.tolerance},
                                {"verdict", verdict.same ? "same" : "different"},
                                {"outputs", nlohmann::ordered_json::array()}};
  for (const Difference& d : verdict.outputs)
    out["outputs"].push_back({{"name", d.name},
                              {"max_abs", json_number(d.max_abs)},
                              {"max_relative", json_number(d.max_relative)},
                              {"cosine", json_number(d.cosine)},
                              {"psnr_db", json_number(d.psnr_db)},
                              {"mismatch", d.mismatch}});
  out["first_difference"] = nlohmann::ordered_json();
  if (const auto& first = verdict.first)
    out["first_difference"] = {
        {"name", first->name}, {"max_abs", json_number(first->max_abs)}, {"mismatch", first->mismatch}};
  return out;
}

void print_verdict(const Verdict& verdict, const VerifyOptions& options) {
  for (const Difference& d : verdict.outputs) {
    if (d.mismatch.empty())
      std::printf("%-30s max_abs %.3g  relative %.3g  cosine %.9f  PSNR %.1f dB\n", d.name.c_str(), d.max_abs,
                  d.max_relative, d.cosine, d.psnr_db);
    else
      std::printf("%-30s %s\n", d.name.c_str(), d.mismatch.c_str());
  }
  if (const auto& first = verdict.first)
    std::printf("They part at \"%s\": max_abs %.3g %s\n", first->name.c_str(), first->max_abs,
                first->mismatch.c_str());
  std::printf("%s (tolerance %g of the largest value, %d samples)\n", verdict.same ? "Same" : "Different",
              options.tolerance, options.samples);
}

}  // namespace pochade

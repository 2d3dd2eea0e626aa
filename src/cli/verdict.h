#pragma once
// How verify and convert say what they found.

#include <nlohmann/json.hpp>

#include "data/verify.h"

namespace pochade {

nlohmann::ordered_json verdict_json(const Verdict& verdict, const VerifyOptions& options);
/// "within 3 steps of its integers"; empty for what stands for none.
std::string in_steps(const Difference& difference);
/// How far another rounding of integers takes an output: "within 3 steps of its integers, PSNR 54.5 dB to the
/// original".
std::string of_rounding(const Difference& difference);
void print_verdict(const Verdict& verdict, const VerifyOptions& options);

}  // namespace pochade

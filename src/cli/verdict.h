#pragma once
// How verify and convert say what they found.

#include <nlohmann/json.hpp>
#include <span>

#include "data/verify.h"

namespace pochade {

/// Each output's largest difference, cosine and PSNR; of a mismatch, what it is.
nlohmann::ordered_json differences_json(std::span<const Difference> differences);
void print_differences(std::span<const Difference> differences);

nlohmann::ordered_json verdict_json(const Verdict& verdict, const VerifyOptions& options);
/// "within 3 steps of its integers"; empty for what stands for none.
std::string in_steps(const Difference& difference);
/// How far another rounding of integers takes an output: "within 3 steps of its integers, PSNR 54.5 dB to the
/// original".
std::string of_rounding(const Difference& difference);
void print_verdict(const Verdict& verdict, const VerifyOptions& options);

}  // namespace pochade

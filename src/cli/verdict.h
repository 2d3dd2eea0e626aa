#pragma once
// How verify and convert say what they found.

#include <nlohmann/json.hpp>

#include "data/verify.h"

namespace pochade {

nlohmann::ordered_json verdict_json(const Verdict& verdict, const VerifyOptions& options);
void print_verdict(const Verdict& verdict, const VerifyOptions& options);

}  // namespace pochade

#pragma once
// One function a verb: it adds itself to the command line. No logic lives in cli/.

#include <CLI/CLI.hpp>

namespace pochade {

void add_paint(CLI::App& app);
void add_inspect(CLI::App& app);
void add_run(CLI::App& app);
void add_verify(CLI::App& app);
void add_classify(CLI::App& app);
void add_detect(CLI::App& app);
void add_segment(CLI::App& app);
void add_listen(CLI::App& app);
void add_eval(CLI::App& app);
void add_convert(CLI::App& app);
void add_bench(CLI::App& app);
void add_why(CLI::App& app);
void add_knobs(CLI::App& app);

}  // namespace pochade

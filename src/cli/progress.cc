#include "cli/progress.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace pochade {
namespace {

volatile std::sig_atomic_t stop = 0;

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, [](int) { stop = 1; });
  std::signal(SIGTERM, [](int) { stop = 1; });
}

bool interrupted() {
  return stop != 0;
}

Progress::Progress(std::string what, bool quiet)
    : what_(std::move(what)), shown_(!quiet && isatty(STDERR_FILENO) != 0) {}

bool Progress::operator()(size_t done, size_t all) {
  const auto now = Clock::now();
  if (shown_ && now - start_ > std::chrono::seconds(2) && now - last_ > std::chrono::milliseconds(100)) {
    std::fprintf(stderr, "\r%s %3zu%%", what_.c_str(), 100 * done / all);
    std::fflush(stderr);
    last_ = now;
    visible_ = true;
  }
  return !interrupted();
}

void Progress::clear() {
  if (visible_) std::fputs("\r\033[K", stderr);
  visible_ = false;
}

}  // namespace pochade

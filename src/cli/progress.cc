#include "cli/progress.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "cli/common.h"

namespace pochade {
namespace {

volatile std::sig_atomic_t stop = 0;

}  // namespace

void catch_interrupts() {
  struct sigaction action{};
  action.sa_handler = [](int) { stop = 1; };
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
  return stop != 0;
}

void check_interrupt() {
  if (interrupted()) throw VerbFailure{"stopped; nothing was half written", "", 1};
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

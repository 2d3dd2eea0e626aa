#pragma once
// What a verb shows while it works, and how it is stopped.

#include <chrono>
#include <cstddef>
#include <string>

namespace pochade {

/// From here on the first Ctrl-C or SIGTERM only sets interrupted(): the verb ends between two steps, and
/// nothing is half written. The second one ends the program at once, wherever it waits.
void catch_interrupts();
bool interrupted();
/// Ends the verb with exit code 1 if it was interrupted.
void check_interrupt();

/// "evaluating 43%" on a terminal, once the work takes longer than two seconds.
class Progress {
 public:
  explicit Progress(std::string what, bool quiet = false);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows how far it is; false when the work is to end.
  bool operator()(size_t done, size_t all);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool shown_;
  bool visible_ = false;
  Clock::time_point start_ = Clock::now(), last_;
};

}  // namespace pochade

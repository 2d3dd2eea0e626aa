#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

namespace pochade {
namespace {

// How long a worker looks for the next step before it parks: about the longest gap between two steps of a
// network.
constexpr auto kSpin = std::chrono::microseconds(200);
constexpr int kPausesBeforeYield = 1024;
// A wait for a worker that is too long for a task of it.
constexpr auto kSlow = std::chrono::microseconds(100);
constexpr std::chrono::steady_clock::duration kShortestAlone = std::chrono::milliseconds(2);
constexpr std::chrono::steady_clock::duration kLongestAlone = std::chrono::milliseconds(64);
// A thread that shares a CPU with another one moves to a free one, at most so often.
constexpr auto kBetweenMoves = std::chrono::milliseconds(5);

inline void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

}  // namespace

int available_cpus() {
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = CPU_COUNT(&set);
  std::ifstream limit("/sys/fs/cgroup/cpu.max");  // cgroup v2: "quota period" or "max period"
  std::string quota;
  double period = 0;
  if (limit >> quota >> period && quota != "max" && period > 0) {
    const double allowed = std::strtod(quota.c_str(), nullptr) / period;
    cpus = std::min(cpus, std::max(1, static_cast<int>(allowed + 0.5)));
  }
  return std::max(1, cpus);
}

ThreadPool::ThreadPool(int threads) : cpus_(static_cast<size_t>(std::max(1, threads))) {
  for (auto& cpu : cpus_) cpu.store(-1, std::memory_order_relaxed);
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { worker(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

/// Does `task`, then what is left.
void ThreadPool::take_tasks(const TaskRef& work, int64_t tasks, int64_t task, int thread) {
  while (task < tasks) {
    work(task, task + 1, thread);
    if (task + 1 == tasks) return;
    task = next_task_.fetch_add(1, std::memory_order_relaxed);
  }
}

void ThreadPool::run(int64_t tasks, TaskRef work) {
  if (tasks <= 0) return;
  const bool divisible = !workers_.empty() && tasks > 1;
  const auto start = divisible ? Clock::now() : Clock::time_point{};
  if (!divisible || start < alone_until_) {
    work(0, tasks, 0);
    return;
  }
  work_ = &work;
  tasks_ = tasks;
  next_task_.store(1, std::memory_order_relaxed);  // the first is this thread's
  shares_cpu(0);
  // Nobody is inside, so only this thread writes. Sequentially consistent, as parked_: either the worker sees
  // the job or we see it parked.
  gate_.store((gate_.load(std::memory_order_relaxed) & ~(kOpen | kInside)) + kJob + kOpen);
  if (parked_.load() > 0) {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  take_tasks(work, tasks, 0, 0);
  gate_.fetch_and(~kOpen, std::memory_order_relaxed);  // whoever has not come by now is not waited for
  if ((gate_.load(std::memory_order_acquire) & kInside) == 0) return;
  const auto done = Clock::now();
  // Where another process holds the CPU of a worker, waiting without yielding would keep it from ours as
  // well.
  for (int i = 1; (gate_.load(std::memory_order_acquire) & kInside) != 0; ++i) {
    pause_cpu();
    if (i % kPausesBeforeYield == 0) std::this_thread::yield();
  }
  const auto end = Clock::now();
  work_alone_if_slow(done - start, end - done, end);
}

/// A worker whose CPU another process has taken comes back after milliseconds, in which the caller could have
/// done its tasks many times. Longer each time that it happens again.
void ThreadPool::work_alone_if_slow(Clock::duration worked, Clock::duration waited, Clock::time_point now) {
  if (waited < kSlow + 2 * worked) return;
  const bool again = now - alone_until_ < 4 * alone_for_;
  alone_for_ = again ? std::min(2 * alone_for_, kLongestAlone) : kShortestAlone;
  alone_until_ = now + alone_for_;
}

/// Enters the current job unless it is closed or was entered before.
bool ThreadPool::try_enter(uint64_t* seen) {
  uint64_t gate = gate_.load();
  while ((gate & kOpen) != 0 && gate / kJob != *seen)
    if (gate_.compare_exchange_weak(gate, gate + 1)) {
      *seen = gate / kJob;
      return true;
    }
  return false;
}

/// Notes where this thread runs: whether a thread of a lower number was seen there.
bool ThreadPool::shares_cpu(int thread) {
  const int cpu = sched_getcpu();
  std::atomic<int>& mine = cpus_[static_cast<size_t>(thread)];
  if (mine.load(std::memory_order_relaxed) != cpu) mine.store(cpu, std::memory_order_relaxed);
  return std::any_of(cpus_.begin(), cpus_.begin() + thread,
                     [cpu](const auto& other) { return other.load(std::memory_order_relaxed) == cpu; });
}

/// Linux can leave two threads that wait for each other on one CPU for many milliseconds while another CPU is
/// idle. Forbidding the taken CPUs for a moment moves this thread away; where it runs afterwards is Linux's
/// choice again.
void ThreadPool::leave_shared_cpu() {
  cpu_set_t allowed, free;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  free = allowed;
  for (const auto& cpu : cpus_) {
    const int taken = cpu.load(std::memory_order_relaxed);
    if (taken >= 0 && taken < CPU_SETSIZE) CPU_CLR(static_cast<size_t>(taken), &free);
  }
  if (CPU_COUNT(&free) == 0 || sched_setaffinity(0, sizeof(free), &free) != 0) return;
  sched_setaffinity(0, sizeof(allowed), &allowed);
}

void ThreadPool::worker(int thread) {
  uint64_t seen = 0;
  Clock::time_point next_move{};
  while (!stopping_.load(std::memory_order_relaxed)) {
    const auto spin_end = Clock::now() + kSpin;
    bool entered = try_enter(&seen);
    for (int i = 1; !entered && !stopping_.load(std::memory_order_relaxed); ++i) {
      pause_cpu();
      entered = try_enter(&seen);
      // Spinning on the caller's CPU would keep the next job from being given out.
      if (entered || i % 64 != 0 || (Clock::now() < spin_end && !shares_cpu(thread))) continue;
      std::unique_lock lock(mutex_);
      parked_.fetch_add(1);
      wake_.wait(lock, [&] { return (entered = try_enter(&seen)) || stopping_.load(); });
      parked_.fetch_sub(1);
    }
    if (!entered) return;
    if (shares_cpu(thread) && Clock::now() >= next_move) {
      next_move = Clock::now() + kBetweenMoves;
      leave_shared_cpu();
    }
    take_tasks(*work_, tasks_, next_task_.fetch_add(1, std::memory_order_relaxed), thread);
    gate_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace pochade

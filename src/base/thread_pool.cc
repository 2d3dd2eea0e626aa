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

ThreadPool::ThreadPool(int threads) {
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

void ThreadPool::take_tasks(const TaskRef& work, int64_t tasks, int thread) {
  for (;;) {
    const int64_t task = next_task_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks) return;
    work(task, task + 1, thread);
  }
}

void ThreadPool::run(int64_t tasks, TaskRef work) {
  if (tasks <= 0) return;
  if (workers_.empty() || tasks == 1) {
    work(0, tasks, 0);
    return;
  }
  work_ = &work;
  tasks_ = tasks;
  next_task_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  job_.fetch_add(
      1);  // sequentially consistent, as parked_: either the worker sees the job or we see it parked
  if (parked_.load() > 0) {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  take_tasks(work, tasks, 0);
  // Where another process holds the CPU of a worker, waiting without yielding would keep it from ours as
  // well.
  for (int i = 1; busy_.load(std::memory_order_acquire) != 0; ++i) {
    pause_cpu();
    if (i % kPausesBeforeYield == 0) std::this_thread::yield();
  }
}

void ThreadPool::worker(int thread) {
  uint64_t seen = 0;
  for (;;) {
    auto spin_end = std::chrono::steady_clock::now() + kSpin;
    for (int i = 0;
         job_.load(std::memory_order_acquire) == seen && !stopping_.load(std::memory_order_relaxed); ++i) {
      pause_cpu();
      if (i % 64 != 63 || std::chrono::steady_clock::now() < spin_end) continue;
      std::unique_lock lock(mutex_);
      parked_.fetch_add(1);
      wake_.wait(lock, [&] { return job_.load() != seen || stopping_.load(); });
      parked_.fetch_sub(1);
    }
    if (stopping_.load(std::memory_order_relaxed) && job_.load(std::memory_order_acquire) == seen) return;
    seen = job_.load(std::memory_order_acquire);
    take_tasks(*work_, tasks_, thread);
    busy_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace pochade

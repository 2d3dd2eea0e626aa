#pragma once
// A pool that divides independent tasks. Workers spin for a short while after a job, then park. The caller
// waits for those that have entered the job, never for one that is still on its way. Where a worker is slow
// to leave, because another process has its CPU, the caller works alone for a while.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace pochade {

/// CPUs that this process may use: affinity and cgroup quota, at least 1.
int available_cpus();

/// A borrowed callable of (int64_t begin, int64_t end, int thread): never allocates.
class TaskRef {
 public:
  template <typename F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, TaskRef>)
  TaskRef(F&& f)  // NOLINT: implicit by design, as a function parameter
      : object_(const_cast<void*>(static_cast<const void*>(&f))),
        call_([](void* object, int64_t begin, int64_t end, int thread) {
          (*static_cast<std::remove_reference_t<F>*>(object))(begin, end, thread);
        }) {}
  void operator()(int64_t begin, int64_t end, int thread) const { call_(object_, begin, end, thread); }

 private:
  void* object_;
  void (*call_)(void*, int64_t, int64_t, int);
};

class ThreadPool {
 public:
  /// `threads` counts the caller: 1 starts no thread.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls work(begin, end, thread) until [0, tasks) is done; `thread` is in [0, threads()).
  /// Returns when all is done. One caller at a time.
  void run(int64_t tasks, TaskRef work);

 private:
  void worker(int thread);
  void take_tasks(const TaskRef& work, int64_t tasks, int64_t task, int thread);
  bool try_enter(uint64_t* seen);
  bool shares_cpu(int thread);
  void leave_shared_cpu();
  using Clock = std::chrono::steady_clock;
  void work_alone_if_slow(Clock::duration worked, Clock::duration waited, Clock::time_point now);

  // gate_: the job's number, whether it may be entered, and how many workers are inside.
  static constexpr uint64_t kJob = uint64_t{1} << 32, kOpen = uint64_t{1} << 31, kInside = kOpen - 1;

  std::vector<std::thread> workers_;
  std::vector<std::atomic<int>> cpus_;  // where each thread was seen last; the caller's is the first
  alignas(64) std::atomic<uint64_t> gate_{0};
  alignas(64) std::atomic<int64_t> next_task_{0};  // dynamic division: outputs do not depend on who computes
  const TaskRef* work_ = nullptr;
  int64_t tasks_ = 0;
  Clock::duration alone_for_{};
  Clock::time_point alone_until_{};
  std::atomic<bool> stopping_{false};
  std::atomic<int> parked_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace pochade

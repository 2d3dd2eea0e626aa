#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <numeric>

namespace pochade {
namespace {

TEST(ThreadPool, EveryTaskOnceForAnyThreadsAndTasks) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (const int64_t tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> counts(static_cast<size_t>(tasks));
      pool.run(tasks, [&](int64_t begin, int64_t end, int thread) {
        EXPECT_LT(thread, threads);
        for (int64_t i = begin; i < end; ++i) ++counts[static_cast<size_t>(i)];
      });
      for (const auto& count : counts) EXPECT_EQ(count, 1);
    }
  }
}

TEST(ThreadPool, WakesAfterParking) {
  ThreadPool pool(4);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(round % 3));
    std::atomic<int64_t> sum = 0;
    pool.run(100, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) sum += i;
    });
    EXPECT_EQ(sum, 4950);
  }
}

/// Everything runs on one CPU, where a worker that spins or waits for a free CPU would be in the way.
TEST(ThreadPool, WorksOnOneCpu) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  {
    ThreadPool pool(3);
    std::atomic<int64_t> sum = 0;
    for (int round = 0; round < 500; ++round)
      pool.run(20, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) sum += i;
      });
    EXPECT_EQ(sum, 500 * 190);
  }
  EXPECT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

TEST(ThreadPool, AWorkerLeavesTheCallersCpuAndMayGoAnywhereAfterwards) {
  if (available_cpus() < 2) GTEST_SKIP() << "one CPU";
  cpu_set_t all, one, after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
  ThreadPool pool(2);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  const int mine = sched_getcpu();
  std::atomic<int> came{0}, elsewhere{0};
  bool as_before = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (elsewhere < 3 && std::chrono::steady_clock::now() < deadline)
    pool.run(2, [&](int64_t, int64_t, int thread) {
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
      while (std::chrono::steady_clock::now() < end) {
      }
      if (thread != 1) return;
      if (came++ == 0) {  // onto the caller's CPU, where Linux may leave it
        sched_setaffinity(0, sizeof(one), &one);
        sched_setaffinity(0, sizeof(all), &all);
      } else if (sched_getcpu() != mine) {
        ++elsewhere;
        sched_getaffinity(0, sizeof(after), &after);
        as_before = CPU_EQUAL(&after, &all);
      }
    });
  EXPECT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
  EXPECT_GE(elsewhere, 1);
  EXPECT_TRUE(as_before);
}

TEST(ThreadPool, WorksAloneAfterAWorkerWasSlow) {
  ThreadPool pool(2);
  bool alone = false;
  // Several times: where the machine is busy, the worker may come too late, or this thread, to see it.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!alone && std::chrono::steady_clock::now() < deadline) {
    pool.run(2, [&](int64_t, int64_t, int thread) {
      std::this_thread::sleep_for(std::chrono::microseconds(thread == 0 ? 300 : 20000));
    });
    pool.run(2, [&](int64_t begin, int64_t end, int thread) {
      if (thread == 0 && begin == 0 && end == 2) alone = true;
    });
  }
  EXPECT_TRUE(alone);
}

}  // namespace
}  // namespace pochade

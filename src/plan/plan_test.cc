#include "plan/plan.h"

#include <gtest/gtest.h>

#include <random>

namespace pochade {
namespace {

TEST(AssignOffsets, NoTwoLivingBuffersOverlapAndTheArenaIsNearItsLowerBound) {
  double worst = 1;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<BufferLife> buffers(1 + random() % 60);
    for (BufferLife& b : buffers) {
      b.bytes = random() % 5000;
      b.first = static_cast<int>(random() % 40);
      b.last = b.first + static_cast<int>(random() % 6);
    }
    const size_t total = assign_offsets(buffers);
    for (size_t i = 0; i < buffers.size(); ++i) {
      EXPECT_EQ(buffers[i].offset % 64, 0u);
      EXPECT_LE(buffers[i].offset + buffers[i].bytes, total);
      for (size_t j = 0; j < i; ++j) {
        const BufferLife &a = buffers[i], &b = buffers[j];
        if (a.last < b.first || b.last < a.first || a.bytes == 0 || b.bytes == 0) continue;
        ASSERT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset);
      }
    }
    ASSERT_GE(total, largest_live_bytes(buffers));
    worst = std::max(worst, static_cast<double>(total) /
                                static_cast<double>(std::max<size_t>(1, largest_live_bytes(buffers))));
  }
  EXPECT_LT(worst, 1.6);
}

TEST(AssignOffsets, AChainOfEqualBuffersNeedsTwo) {
  std::vector<BufferLife> buffers;
  for (int i = 0; i < 20; ++i) buffers.push_back({1024, i, i + 1, 0});
  EXPECT_EQ(assign_offsets(buffers), 2048u);
  EXPECT_EQ(largest_live_bytes(buffers), 2048u);
}

}  // namespace
}  // namespace pochade

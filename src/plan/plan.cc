#include "plan/plan.h"

#include <algorithm>
#include <numeric>

namespace pochade {

size_t assign_offsets(std::vector<BufferLife>& buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<size_t> placed;  // by offset
  size_t total = 0;
  for (const size_t i : order) {
    BufferLife& mine = buffers[i];
    const size_t size = (mine.bytes + 63) / 64 * 64;
    size_t best = SIZE_MAX, best_gap = SIZE_MAX, end = 0;
    for (const size_t j : placed) {
      const BufferLife& other = buffers[j];
      if (other.last < mine.first || mine.last < other.first) continue;
      if (other.offset > end && other.offset - end >= size && other.offset - end < best_gap) {
        best = end;
        best_gap = other.offset - end;
      }
      end = std::max(end, other.offset + (other.bytes + 63) / 64 * 64);
    }
    mine.offset = best != SIZE_MAX ? best : end;
    total = std::max(total, mine.offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) { return buffers[a].offset < buffers[b].offset; }),
                  i);
  }
  return total;
}

size_t largest_live_bytes(const std::vector<BufferLife>& buffers) {
  std::map<int, int64_t> change;  // at a step: bytes that begin to live, minus those that ended before it
  for (const BufferLife& b : buffers) {
    const int64_t bytes = static_cast<int64_t>((b.bytes + 63) / 64 * 64);
    change[b.first] += bytes;
    change[b.last + 1] -= bytes;
  }
  int64_t live = 0, most = 0;
  for (const auto& [step, delta] : change) most = std::max(most, live += delta);
  return static_cast<size_t>(most);
}

}  // namespace pochade

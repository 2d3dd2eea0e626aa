#include "plan/step.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace pochade {

Result<PackedWeights::Buffer> PackedWeights::get(const std::string& key, const Tensor& source, size_t bytes,
                                                 const std::function<void(std::byte*)>& make) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) return found->second.packed;
  const size_t rounded = (bytes + 64) / 64 * 64;
  void* memory = std::aligned_alloc(64, rounded);
  if (memory == nullptr) return Error::out_of_memory("no memory for {} bytes of packed weights", bytes);
  std::memset(memory, 0, rounded);
  Buffer packed(static_cast<const std::byte*>(memory),
                [](const std::byte* p) { std::free(const_cast<std::byte*>(p)); });
  make(static_cast<std::byte*>(memory));
  total_bytes_ += rounded;
  entries_.emplace(key, Entry{source, packed});
  return packed;
}

bool Lowering::all_f32() const {
  const auto f32 = [](const Fact& fact) { return !fact.present() || fact.dtype == DType::kF32; };
  return std::all_of(inputs.begin(), inputs.end(), f32) && std::all_of(outputs.begin(), outputs.end(), f32);
}

Result<PackedWeights::Buffer> Lowering::pack(const Tensor& tensor, std::string_view packing, size_t bytes,
                                             const std::function<void(std::byte*)>& make) const {
  const auto address = reinterpret_cast<uintptr_t>(tensor.bytes());
  return weights.get(format("{} {} {}", address, to_string(tensor.shape()), packing), tensor, bytes, make);
}

int64_t task_size(int64_t units, int64_t unit_cost) {
  constexpr int64_t kLeastCost = 10240;  // about 3 microseconds: ten times what handing out a task takes
  constexpr int64_t kMostTasks = 64;
  const int64_t least_units = (kLeastCost - 1) / std::max<int64_t>(unit_cost, 1) + 1;
  int64_t tasks = std::clamp<int64_t>(units / least_units, 1, kMostTasks);
  if (tasks > 2) tasks = (tasks + 3) / 4 * 4;  // few tasks of one size divide well among 2 and 4 threads
  return std::max<int64_t>(1, (units + tasks - 1) / tasks);
}

}  // namespace pochade

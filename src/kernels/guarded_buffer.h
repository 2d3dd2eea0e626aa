#pragma once
// For tests: memory between two pages that may not be touched, so that a read or a write beyond either end is
// a crash.

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "base/check.h"

namespace pochade {

template <typename T>
class GuardedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  enum class Flush { kEnd, kStart };

  /// The last element (or the first one) touches its guard page. All bytes are 0xFF at first: floats are NaN.
  explicit GuardedBuffer(size_t size, Flush flush = Flush::kEnd) : size_(size) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t inner = (size * sizeof(T) + page - 1) / page * page;
    mapped_bytes_ = inner + 2 * page;
    base_ = static_cast<char*>(mmap(nullptr, mapped_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(base_ != MAP_FAILED);
    if (inner > 0) CHECK(mprotect(base_ + page, inner, PROT_READ | PROT_WRITE) == 0);
    data_ = reinterpret_cast<T*>(base_ + page + (flush == Flush::kEnd ? inner - size * sizeof(T) : 0));
    poison();
  }
  GuardedBuffer(const std::vector<T>& values, Flush flush = Flush::kEnd)
      : GuardedBuffer(values.size(), flush) {
    if (!values.empty()) std::memcpy(data_, values.data(), values.size() * sizeof(T));
  }
  GuardedBuffer(GuardedBuffer&& other) noexcept
      : size_(other.size_), mapped_bytes_(other.mapped_bytes_), base_(other.base_), data_(other.data_) {
    other.base_ = nullptr;
  }
  GuardedBuffer& operator=(GuardedBuffer&&) = delete;
  ~GuardedBuffer() {
    if (base_ != nullptr) munmap(base_, mapped_bytes_);
  }

  void poison() {
    if (size_ > 0) std::memset(static_cast<void*>(data_), 0xFF, size_ * sizeof(T));
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, size_}; }
  std::vector<T> copy() const { return std::vector<T>(data_, data_ + size_); }

 private:
  size_t size_;
  size_t mapped_bytes_;
  char* base_;
  T* data_;
};

}  // namespace pochade

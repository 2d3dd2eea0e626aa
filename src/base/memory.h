#pragma once
// How much memory there is, and how much this process has used.

#include <cstdint>
#include <string>

namespace pochade {

/// Bytes that this process may still take: what the machine has available, less if the cgroup allows less.
/// INT64_MAX where the system does not say.
int64_t available_memory_bytes();

/// The largest resident size that this process has had so far; 0 where the system does not say.
int64_t peak_rss_bytes();

/// The resident size now; 0 where the system does not say.
int64_t current_rss_bytes();

/// "1.2 GB", "37 MB", "812 bytes" (decimal units).
std::string bytes_text(int64_t bytes);

}  // namespace pochade

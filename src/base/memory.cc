#include "base/memory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "base/format.h"

namespace pochade {
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

int64_t number_in(const char* path) {
  std::ifstream in(path);
  int64_t value = 0;
  // "max" in a cgroup file is no number: no limit.
  return in >> value ? value : kUnknown;
}

int64_t machine_available_bytes() {
  std::ifstream in("/proc/meminfo");
  std::string key, unit;
  int64_t value = 0;
  while (in >> key >> value) {
    std::getline(in, unit);
    if (key == "MemAvailable:") return value * 1024;
  }
  return kUnknown;
}

int64_t value_of_key(const char* path, std::string_view wanted) {
  std::ifstream in(path);
  std::string key;
  int64_t value = 0;
  while (in >> key >> value)
    if (key == wanted) return value;
  return 0;
}

int64_t status_bytes(std::string_view wanted) {
  std::ifstream in("/proc/self/status");
  std::string line;
  while (std::getline(in, line))
    if (line.starts_with(wanted)) return std::strtoll(line.c_str() + wanted.size(), nullptr, 10) * 1024;
  return 0;
}

// Page cache counts as used by the cgroup but is given back when asked for.
int64_t cgroup_available_bytes(const char* limit, const char* used, const char* stat,
                               std::string_view cache) {
  const int64_t limit_bytes = number_in(limit);
  const int64_t used_bytes = number_in(used);
  if (limit_bytes == kUnknown || used_bytes == kUnknown) return kUnknown;
  return std::max<int64_t>(0, limit_bytes - used_bytes + value_of_key(stat, cache));
}

}  // namespace

int64_t available_memory_bytes() {
  const int64_t v2 = cgroup_available_bytes("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current",
                                            "/sys/fs/cgroup/memory.stat", "inactive_file");
  const int64_t v1 = cgroup_available_bytes("/sys/fs/cgroup/memory/memory.limit_in_bytes",
                                            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
                                            "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file");
  return std::min({machine_available_bytes(), v1, v2});
}

// /proc/self/status, not getrusage: ru_maxrss survives exec, so it may be the parent's.
int64_t peak_rss_bytes() {
  return status_bytes("VmHWM:");
}
int64_t current_rss_bytes() {
  return status_bytes("VmRSS:");
}

std::string bytes_text(int64_t bytes) {
  if (bytes < 1000) return format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1000;
  const char* unit = "kB";
  for (const char* larger : {"MB", "GB", "TB"}) {
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  char text[48];
  std::snprintf(text, sizeof(text), value < 10 ? "%.1f %s" : "%.0f %s", value, unit);
  return text;
}

}  // namespace pochade

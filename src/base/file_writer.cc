#include "base/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace pochade {
namespace {

std::string errno_text() {
  return std::strerror(errno);
}

}  // namespace

Result<FileWriter> FileWriter::create(const std::filesystem::path& path) {
  FileWriter out;
  out.path_ = path;
  if (path == "-") {
    out.descriptor_ = STDOUT_FILENO;
    return out;
  }
  struct stat existing{};
  const bool exists = ::stat(path.c_str(), &existing) == 0;
  if (exists && S_ISDIR(existing.st_mode)) return Error::io("cannot write {}: is a folder", path);
  if (exists && !S_ISREG(existing.st_mode)) {
    out.descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    out.temporary_ = path.string() + ".XXXXXX";
    out.descriptor_ = ::mkstemp(out.temporary_.data());
    if (out.descriptor_ < 0) out.temporary_.clear();
    const mode_t mask = ::umask(0);
    ::umask(mask);
    out.mode_ = exists ? existing.st_mode & 07777 : 0666 & ~mask;
  }
  if (out.descriptor_ < 0) return Error::io("cannot write {}: {}", path, errno_text());
  return out;
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      mode_(other.mode_) {}

FileWriter::~FileWriter() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (descriptor_ >= 0 && descriptor_ != STDOUT_FILENO) ::close(descriptor_);
}

Status FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && path_ == "-") return Error::io("standard output: {}", errno_text());
    if (wrote < 0) return Error::io("cannot write {}: {}", path_, errno_text());
    bytes = bytes.subspan(static_cast<size_t>(wrote));
  }
  return {};
}

Status FileWriter::finish_temporary() {
  if (::fchmod(descriptor_, mode_) != 0 || ::fsync(descriptor_) != 0 ||
      ::rename(temporary_.c_str(), path_.c_str()) != 0)
    return Error::io("cannot write {}: {}", path_, errno_text());
  temporary_.clear();
  return {};
}

Status FileWriter::commit() {
  return temporary_.empty() ? Status() : finish_temporary();
}

}  // namespace pochade

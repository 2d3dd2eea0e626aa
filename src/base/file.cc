#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/file_writer.h"

namespace pochade {
namespace {

std::string errno_text() {
  return std::strerror(errno);
}

struct Descriptor {
  int fd = -1;
  bool owned = true;
  ~Descriptor() {
    if (fd >= 0 && owned) ::close(fd);
  }
};

Result<Bytes> read_stream(int fd, uint64_t limit_bytes) {
  auto buffer = std::make_shared<std::vector<std::byte>>();
  constexpr size_t kChunk = size_t{1} << 16;
  for (;;) {
    const size_t used = buffer->size();
    if (used > limit_bytes) return Error::io("more than {} bytes", limit_bytes);
    buffer->resize(used + kChunk);
    ssize_t got;
    do {
      got = ::read(fd, buffer->data() + used, kChunk);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return Error::io("{}", errno_text());
    buffer->resize(used + static_cast<size_t>(got));
    if (got == 0) break;
  }
  const std::span<const std::byte> span(*buffer);
  return Bytes(std::move(buffer), span);
}

}  // namespace

Bytes Bytes::copy_of(std::span<const std::byte> span) {
  auto buffer = std::make_shared<std::vector<std::byte>>(span.begin(), span.end());
  const std::span<const std::byte> copy(*buffer);
  return Bytes(std::move(buffer), copy);
}

Result<Bytes> map_file(const std::filesystem::path& path, uint64_t limit_bytes) {
  if (path == "-") return read_stream(STDIN_FILENO, limit_bytes).context("standard input");
  Descriptor in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0) return Error::io("cannot open {}: {}", path, errno_text());
  struct stat info{};
  if (::fstat(in.fd, &info) != 0) return Error::io("cannot read {}: {}", path, errno_text());
  if (S_ISDIR(info.st_mode)) return Error::io("{} is a folder", path);
  if (!S_ISREG(info.st_mode)) return read_stream(in.fd, limit_bytes).context("{}", path);
  const size_t size = static_cast<size_t>(info.st_size);
  if (size > limit_bytes) return Error::io("{} has {} bytes, more than {}", path, size, limit_bytes);
  if (size == 0) return Bytes();
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, in.fd, 0);
  if (address == MAP_FAILED) return Error::io("cannot map {}: {}", path, errno_text());
  std::shared_ptr<const void> owner(address, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
  return Bytes(std::move(owner), {static_cast<const std::byte*>(address), size});
}

Status write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  TRY(FileWriter file, FileWriter::create(path));
  TRY(file.write(bytes));
  return file.commit();
}

Status write_file(const std::filesystem::path& path, std::string_view text) {
  return write_file(path, std::as_bytes(std::span(text)));
}

}  // namespace pochade

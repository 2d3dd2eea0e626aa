// pochade-keras-reader: reads an HDF5 file or a .keras archive from standard input and writes its attributes,
// texts and datasets to standard output as formats/keras/stream.h says. It is a program of its own because
// the HDF5 library has known overflows: here a crash is a damaged file and nothing else, memory and time are
// limited before the first byte is looked at, and no other file can be opened.
//
//   pochade-keras-reader < model.h5 > records

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "formats/keras/reader/archive.h"
#include "formats/keras/reader/hdf5.h"

namespace pochade::keras {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
/// What a file may unpack to: weights hardly compress, but a file of zeros does.
constexpr uint64_t kMostUnpacked = 64;

void limit(decltype(RLIMIT_CPU) what, uint64_t most) {
  const rlimit both{most, most};
  setrlimit(what, &both);
}

#if defined(__SANITIZE_ADDRESS__)
#define POCHADE_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POCHADE_ADDRESS_SANITIZER 1
#endif
#endif

/// `file_bytes` decides: an honest file is read in a few times its size, and in seconds.
void limit_all([[maybe_unused]] uint64_t file_bytes, uint64_t output_bytes) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, 20 + output_bytes / (50 * kMiB));
  limit(RLIMIT_FSIZE, output_bytes + 2 * kMiB);
  limit(RLIMIT_NOFILE, 0);
#if !defined(POCHADE_ADDRESS_SANITIZER)  // its shadow memory is terabytes of addresses
  limit(RLIMIT_AS, 256 * kMiB + file_bytes + 2 * output_bytes);
#endif
}

Status write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return Error::io("cannot keep the weights: {}", std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return {};
}

Result<std::span<const std::byte>> map(int descriptor) {
  struct stat info;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) return Error::io("it is not a file");
  const size_t size = static_cast<size_t>(info.st_size);
  if (size == 0) return Error::invalid_model("it is empty");
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return Error::out_of_memory("cannot map it: {}", std::strerror(errno));
  return std::span(static_cast<const std::byte*>(data), size);
}

Status read_zip(std::span<const std::byte> file, int scratch, uint64_t limit_bytes, Output& output) {
  TRY(const Archive archive,
      read_archive(file, limit_bytes, [&](std::string_view part) { return write_all(scratch, part); }));
  TRY(output.text("config.json", archive.config));
  if (!archive.metadata.empty()) TRY(output.text("metadata.json", archive.metadata));
  TRY(const auto weights, map(scratch));
  return read_hdf5(weights, output).context("model.weights.h5");
}

/// `scratch` takes the weights of an archive.
Status read(Output& output, int scratch, uint64_t limit_bytes) {
  TRY(const auto file, map(STDIN_FILENO));
  const bool is_zip = file.size() >= 4 && std::memcmp(file.data(), "PK\3\4", 4) == 0;
  return is_zip ? read_zip(file, scratch, limit_bytes, output) : read_hdf5(file, output);
}

int run() {
  struct stat info;
  if (fstat(STDIN_FILENO, &info) != 0 || !S_ISREG(info.st_mode) || isatty(STDOUT_FILENO)) {
    std::fputs("pochade-keras-reader: reads a Keras model file on standard input for pochade\n", stderr);
    return 2;
  }
  const uint64_t file_bytes = static_cast<uint64_t>(info.st_size);
  const uint64_t limit_bytes = 64 * kMiB + kMostUnpacked * file_bytes;
  const int scratch = memfd_create("weights", MFD_CLOEXEC);
  limit_all(file_bytes, limit_bytes);
  Output output(STDOUT_FILENO, limit_bytes);
  Status status = output.begin();
  if (status) status = read(output, scratch, limit_bytes);
  if (!status) return output.error(status.error().text()) ? 0 : 1;
  return output.end() ? 0 : 1;
}

}  // namespace
}  // namespace pochade::keras

#if defined(POCHADE_ADDRESS_SANITIZER)
extern "C" int __lsan_is_turned_off() {
  return 1;
}  // it reads files of /proc at the end, and we may open none
#endif

int main() {
  try {
    return pochade::keras::run();
  } catch (const std::bad_alloc&) {
    return 3;
  }
}

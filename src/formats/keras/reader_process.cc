#include "formats/keras/reader_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/knobs.h"

namespace pochade::keras {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProgram = "pochade-keras-reader";

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

Result<fs::path> find_program() {
  if (const std::string own = knob("POCHADE_KERAS_READER"); !own.empty()) {
    if (access(own.c_str(), X_OK) == 0) return fs::path(own);
    return Error::not_found("POCHADE_KERAS_READER is {}, which is no program", own);
  }
#ifdef POCHADE_KERAS_READER_PLACES
  std::vector<fs::path> places;
  std::error_code error;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", error); !error)
    places.push_back(self.parent_path().parent_path() / "libexec" / "pochade");
  for (const char* place : {POCHADE_KERAS_READER_PLACES}) places.emplace_back(place);
  for (const fs::path& place : places)
    if (access((place / kProgram).c_str(), X_OK) == 0) return place / kProgram;
  return Result<fs::path>(Error::not_found("{} is not here, which reads the files of Keras", kProgram))
      .hint("Install libhdf5-dev and libzip-dev and build again, or say POCHADE_KERAS_READER=PROGRAM.");
#else
  return Result<fs::path>(
             Error::not_supported("this build does without the libraries that read the files of Keras"))
      .hint("Convert the model where they are: pochade convert MODEL.h5 MODEL.onnx.");
#endif
}

/// The only variables that the program gets: what finds its libraries, and no locks on the file.
std::vector<std::string> environment() {
  std::vector<std::string> out = {"HDF5_USE_FILE_LOCKING=FALSE"};
  if (const char* libraries = std::getenv("LD_LIBRARY_PATH"); libraries != nullptr)
    out.push_back(std::string("LD_LIBRARY_PATH=") + libraries);
  return out;
}

Result<int> run(const fs::path& program, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string name(kProgram);
  char* arguments[] = {name.data(), nullptr};
  std::vector<std::string> variables = environment();
  std::vector<char*> pointers;
  for (std::string& variable : variables) pointers.push_back(variable.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  const int failed = posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, pointers.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error::io("cannot start {}: {}", program, std::strerror(failed));
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return Error::io("lost {}: {}", kProgram, std::strerror(errno));
  return status;
}

Status check_end(int status) {
  if (WIFEXITED(status)) {
    if (WEXITSTATUS(status) == 0) return {};
    if (WEXITSTATUS(status) == 3)
      return Error::out_of_memory(
          "reading it takes more memory than its size justifies: the file is damaged");
    return Error::invalid_model("{} ended with status {}", kProgram, WEXITSTATUS(status));
  }
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGXCPU || signal == SIGKILL)
    return Error::invalid_model("reading it took too long: the file is damaged");
  if (signal == SIGXFSZ)
    return Error::invalid_model("it unpacks to more than its size justifies: the file is damaged");
  return Error::invalid_model("the HDF5 library failed on it (signal {}): the file is damaged", signal);
}

/// What was written, so that nobody can change it any more.
Result<Bytes> map_sealed(int descriptor) {
  if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return Error::io("cannot seal what was read: {}", std::strerror(errno));
  struct stat info;
  if (fstat(descriptor, &info) != 0) return Error::io("cannot read back: {}", std::strerror(errno));
  const size_t size = static_cast<size_t>(info.st_size);
  if (size == 0) return Bytes();
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return Error::out_of_memory("cannot map what was read: {}", std::strerror(errno));
  const std::shared_ptr<const void> owner(data,
                                          [size](const void* p) { munmap(const_cast<void*>(p), size); });
  return Bytes(owner, {static_cast<const std::byte*>(data), size});
}

Result<Bytes> run_on(int input) {
  TRY(const fs::path program, find_program());
  const Descriptor output(memfd_create("keras", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (output.get() < 0) return Error::io("no memory for what is read: {}", std::strerror(errno));
  TRY(const int status, run(program, input, output.get()));
  TRY(check_end(status));
  return map_sealed(output.get());
}

}  // namespace

Result<Bytes> run_reader(const fs::path& file) {
  const Descriptor input(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (input.get() < 0) return Error::io("{}", std::strerror(errno));
  struct stat info;
  if (fstat(input.get(), &info) == 0 && S_ISREG(info.st_mode)) return run_on(input.get());
  TRY(const Bytes bytes, map_file(file));
  return run_reader(bytes);
}

Result<Bytes> run_reader(const Bytes& file) {
  const Descriptor input(memfd_create("model", MFD_CLOEXEC));
  if (input.get() < 0) return Error::io("no memory for the file: {}", std::strerror(errno));
  std::span<const std::byte> rest = file.span();
  while (!rest.empty()) {
    const ssize_t done = write(input.get(), rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return Error::out_of_memory("cannot copy the file: {}", std::strerror(errno));
    rest = rest.subspan(static_cast<size_t>(done));
  }
  return run_on(input.get());
}

}  // namespace pochade::keras

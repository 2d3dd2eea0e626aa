// A thin C++17 face of pochade.h: sessions that free themselves, std::vector in and out. Header-only; throws
// std::runtime_error with the engine's sentence, in the caller's own code.
#ifndef POCHADE_HPP
#define POCHADE_HPP

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <pochade.h>

namespace pochade_api {

inline void check(pochade_status status) {
  if (status != POCHADE_OK) throw std::runtime_error(pochade_last_error());
}

class Session {
 public:
  explicit Session(const std::string& path, const pochade_options* options = nullptr) {
    pochade_session* raw = nullptr;
    check(pochade_load_file(path.c_str(), options, &raw));
    session_.reset(raw);
  }

  size_t inputs() const { return pochade_input_count(session_.get()); }
  size_t outputs() const { return pochade_output_count(session_.get()); }
  pochade_tensor_info input_info(size_t index) const {
    pochade_tensor_info info;
    check(pochade_input_info(session_.get(), index, &info));
    return info;
  }
  pochade_tensor_info output_info(size_t index) const {
    pochade_tensor_info info;
    check(pochade_output_info(session_.get(), index, &info));
    return info;
  }
  void set_shape(size_t input, const std::vector<int64_t>& dims) {
    check(pochade_set_shape(session_.get(), input, dims.data(), static_cast<int>(dims.size())));
  }
  /// `values` must live until run() returns.
  template <typename T>
  void set_input(size_t index, const std::vector<T>& values) {
    check(pochade_set_input(session_.get(), index, values.data(), values.size() * sizeof(T)));
  }
  void run() { check(pochade_run(session_.get())); }
  template <typename T>
  std::vector<T> output(size_t index) const {
    const void* data = nullptr;
    size_t byte_size = 0;
    check(pochade_output(session_.get(), index, &data, &byte_size));
    const T* begin = static_cast<const T*>(data);
    return std::vector<T>(begin, begin + byte_size / sizeof(T));
  }
  void reset_state() { check(pochade_reset_state(session_.get())); }

 private:
  struct Free {
    void operator()(pochade_session* session) const { pochade_free(session); }
  };
  std::unique_ptr<pochade_session, Free> session_;
};

}  // namespace pochade_api

#endif

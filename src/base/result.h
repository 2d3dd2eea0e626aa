#pragma once
// Result<T>: the world's faults (files, models, devices, users) travel as values; nothing throws across a
// folder.

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/format.h"

namespace pochade {

enum class ErrorCode {
  kInvalidModel,     ///< the model file breaks its format's rules
  kInvalidArgument,  ///< the caller or the user asked for something that makes no sense
  kNotSupported,     ///< valid, but nothing here does it
  kNotFound,
  kIo,           ///< reading or writing failed
  kOutOfMemory,  ///< more memory than there is, or than the limits allow
  kCancelled,
};

/// One sentence, and the chain of places where it happened, outermost first.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  template <typename... Args>
  [[gnu::cold, gnu::noinline]] static tl::unexpected<Error> invalid_model(std::string_view pattern,
                                                                          const Args&... args) {
    return make(ErrorCode::kInvalidModel, pattern, args...);
  }
  template <typename... Args>
  [[gnu::cold, gnu::noinline]] static tl::unexpected<Error> invalid_argument(std::string_view pattern,
                                                                             const Args&... args) {
    return make(ErrorCode::kInvalidArgument, pattern, args...);
  }
  template <typename... Args>
  [[gnu::cold, gnu::noinline]] static tl::unexpected<Error> not_supported(std::string_view pattern,
                                                                          const Args&... args) {
    return make(ErrorCode::kNotSupported, pattern, args...);
  }
  template <typename... Args>
  [[gnu::cold, gnu::noinline]] static tl::unexpected<Error> not_found(std::string_view pattern,
                                                                      const Args&... args) {
    return make(ErrorCode::kNotFound, pattern, args...);
  }
  template <typename... Args>
  [[gnu::cold, gnu::noinline]] static tl::unexpected<Error> io(std::string_view pattern,
                                                               const Args&... args) {
    return make(ErrorCode::kIo, pattern, args...);
  }
  template <typename... Args>
  [[gnu::cold, gnu::noinline]] static tl::unexpected<Error> out_of_memory(std::string_view pattern,
                                                                          const Args&... args) {
    return make(ErrorCode::kOutOfMemory, pattern, args...);
  }
  template <typename... Args>
  [[gnu::cold, gnu::noinline]] static tl::unexpected<Error> make(ErrorCode code, std::string_view pattern,
                                                                 const Args&... args) {
    return tl::unexpected<Error>(Error(code, format(pattern, args...)));
  }

  ErrorCode code() const { return code_; }
  /// The sentence alone.
  const std::string& message() const { return message_; }
  /// "reading candy.onnx: node \"Conv_3\": pads has 3 values, expected 4"
  std::string text() const { return context_ + message_; }
  /// What the user can do about it, or empty.
  const std::string& hint() const { return hint_; }

  void add_context(std::string_view outer) { context_ = std::string(outer) + ": " + context_; }
  Error with_hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string context_;
  std::string message_;
  std::string hint_;
};

inline std::string to_string(const Error& error) {
  return error.text();
}

/// tl::expected with `.context("reading {}", path)`, which names the place if it holds an error.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  Result(Base base) : Base(std::move(base)) {}
  Result() = default;

  template <typename... Args>
  Result context(std::string_view pattern, const Args&... args) && {
    if (!this->has_value()) this->error().add_context(format(pattern, args...));
    return std::move(*this);
  }
  /// Adds one line on what to do.
  Result hint(std::string text) && {
    if (!this->has_value()) this->error() = std::move(this->error()).with_hint(std::move(text));
    return std::move(*this);
  }
};

using Status = Result<void>;

}  // namespace pochade

#define POCHADE_CAT_(a, b) a##b
#define POCHADE_CAT(a, b) POCHADE_CAT_(a, b)
#define POCHADE_TRY_1(expression)                                                              \
  do {                                                                                         \
    auto&& try_result = (expression);                                                          \
    if (!try_result) return ::tl::unexpected<::pochade::Error>(std::move(try_result).error()); \
  } while (false)
#define POCHADE_TRY_2_(result, declaration, ...)                                     \
  auto&& result = (__VA_ARGS__);                                                     \
  if (!result) return ::tl::unexpected<::pochade::Error>(std::move(result).error()); \
  declaration = *std::move(result)
#define POCHADE_TRY_2(declaration, ...) \
  POCHADE_TRY_2_(POCHADE_CAT(try_result_, __LINE__), declaration, __VA_ARGS__)
#define POCHADE_TRY_PICK(_1, _2, _3, _4, name, ...) name

/// TRY(expression) returns its error to the caller; TRY(auto x, expression) also takes out the value.
/// A comma that is not inside parentheses may stand in the expression of the second form.
#define TRY(...) \
  POCHADE_TRY_PICK(__VA_ARGS__, POCHADE_TRY_2, POCHADE_TRY_2, POCHADE_TRY_2, POCHADE_TRY_1)(__VA_ARGS__)

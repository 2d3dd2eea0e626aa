#pragma once
// Our own `{}` substitution, since GCC 12 has no std::format.

#include <charconv>
#include <concepts>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace pochade {

inline void format_append(std::string& out, std::string_view text) {
  out += text;
}
inline void format_append(std::string& out, const char* text) {
  out += text;
}
inline void format_append(std::string& out, const std::string& text) {
  out += text;
}
inline void format_append(std::string& out, char c) {
  out += c;
}
inline void format_append(std::string& out, bool b) {
  out += b ? "true" : "false";
}
inline void format_append(std::string& out, const std::filesystem::path& path) {
  out += path.string();
}

template <typename T>
  requires(std::is_arithmetic_v<T> && !std::same_as<T, bool> && !std::same_as<T, char>)
void format_append(std::string& out, T number) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  out.append(digits, end);
}

/// A type of our own is printable if a `std::string to_string(const T&)` is found by its namespace.
template <typename T>
  requires(std::is_class_v<T> || std::is_enum_v<T>) && requires(const T& value) {
    { to_string(value) } -> std::convertible_to<std::string_view>;
  }
void format_append(std::string& out, const T& value) {
  out += to_string(value);
}

/// An argument of format() without its type, so that a call is a small array and one function, whatever the
/// types.
struct FormatArgument {
  const void* value;
  void (*append)(std::string& out, const void* value);
};

namespace detail {
template <typename T>
FormatArgument format_argument(const T& value) {
  if constexpr (std::is_array_v<T>) {  // a literal: one function for every length
    return {value, [](std::string& out, const void* text) { out += static_cast<const char*>(text); }};
  } else {
    return {&value, [](std::string& out, const void* v) { format_append(out, *static_cast<const T*>(v)); }};
  }
}
}  // namespace detail

std::string format_list(std::string_view pattern, std::span<const FormatArgument> arguments);

/// Replaces each `{}` of `pattern` by the next argument. There are no format specifications.
template <typename... Args>
std::string format(std::string_view pattern, const Args&... args) {
  if constexpr (sizeof...(Args) == 0) {
    return std::string(pattern);
  } else {
    const FormatArgument list[] = {detail::format_argument(args)...};
    return format_list(pattern, list);
  }
}

/// "a, b, c" of a range of printable things.
template <typename Range>
std::string join(const Range& range, std::string_view separator = ", ") {
  std::string out;
  bool first = true;
  for (const auto& item : range) {
    if (!first) out += separator;
    first = false;
    format_append(out, item);
  }
  return out;
}

}  // namespace pochade

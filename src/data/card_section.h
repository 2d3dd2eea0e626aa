#pragma once
// A table of a card (TOML), and how to complain about it. Only for the files that parse cards.

#include <toml++/impl/preprocessor.h>
// toml++ assumes where it goes on to say an error: of the first letter of a table's name ("[!a]"). It must
// not assume.
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(expr) static_assert(true)
#include <toml++/toml.h>

#include <array>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pochade {

/// Strict: a wrong type, an unknown key and a value out of range are errors that name file, line and key.
class CardSection {
 public:
  /// `name`: what stands before a key in messages, such as "input."
  CardSection(const toml::table& table, std::string_view file, std::string_view name)
      : table_(table), file_(file), name_(name) {}

  const toml::node* find(std::string_view key) const { return table_.get(key); }
  std::string_view file() const { return file_; }

  template <typename... Args>
  tl::unexpected<Error> fault(const toml::node& node, std::string_view key, std::string_view pattern,
                              const Args&... args) const {
    return Error::invalid_argument("{}, line {}: {}{}: {}", file_, node.source().begin.line, name_, key,
                                   format(pattern, args...));
  }

  Result<double> number(const toml::node& node, std::string_view key, double low, double high) const;
  Result<int64_t> integer(const toml::node& node, std::string_view key, int64_t low, int64_t high) const;
  Result<std::string> text(const toml::node& node, std::string_view key) const;
  /// `least` to `most` numbers in brackets.
  Result<std::vector<double>> number_list(const toml::node& node, std::string_view key, size_t least,
                                          size_t most) const;
  /// One number for all, or `count` of them.
  template <size_t count>
  Result<std::array<double, count>> numbers(const toml::node& node, std::string_view key,
                                            bool single_allowed) const {
    std::array<double, count> out{};
    if (single_allowed && !node.is_array()) {
      TRY(const double value, number(node, key, -kLargest, kLargest));
      out.fill(value);
      return out;
    }
    TRY(const auto list, number_list(node, key, count, count));
    std::copy(list.begin(), list.end(), out.begin());
    return out;
  }

  // The value of a key if it is there; else `out` stays.
  Status read(std::string_view key, double low, double high, double& out) const;
  Status read(std::string_view key, int64_t low, int64_t high, int64_t& out) const;
  Status read(std::string_view key, bool& out) const;
  Status read(std::string_view key, std::string& out) const;
  /// One of `names`; its place goes to `out`.
  Status read_choice(std::string_view key, std::span<const std::string_view> names, size_t& out) const;

  /// Null if the key is not there.
  Result<const toml::table*> table(std::string_view key) const;
  /// Every key must be in one of the two lists.
  Status check_keys(std::span<const std::string_view> allowed,
                    std::span<const std::string_view> more = {}) const;
  const toml::table& all() const { return table_; }

  static constexpr double kLargest = 1e6;

 private:
  const toml::table& table_;
  std::string_view file_;
  std::string name_;
};

}  // namespace pochade

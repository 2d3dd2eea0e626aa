#pragma once
// JSON as a value: what Keras writes its configurations in. Parsing is bounded in size and depth.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace pochade::keras {

/// Texts longer than this are refused: a configuration of thousands of layers has 2 MB.
constexpr size_t kMaxJsonBytes = size_t{16} << 20;
/// Lists and objects inside each other deeper than this are refused: each level costs stack.
constexpr int kMaxJsonDepth = 100;

class Json {
 public:
  struct Member;
  using List = std::vector<Json>;
  using Object = std::vector<Member>;

  // Defined below, where Member is complete.
  Json();
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();
  explicit Json(bool value);
  explicit Json(int64_t value);
  explicit Json(double value);
  explicit Json(std::string value);
  explicit Json(List list);
  explicit Json(Object object);

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  const int64_t* integer() const { return std::get_if<int64_t>(&value_); }
  bool is_number() const { return integer() != nullptr || std::holds_alternative<double>(value_); }
  /// Of an integer or a number; 0 for others.
  double number() const;
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const List* list() const { return std::get_if<List>(&value_); }
  List* list() { return std::get_if<List>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  Object* object() { return std::get_if<Object>(&value_); }

  /// The member of an object; null if it is not there, or this is no object.
  const Json* find(std::string_view key) const;
  /// The same for a member that is a text; empty if it is not there.
  std::string_view find_text(std::string_view key) const;
  bool is_text(std::string_view other) const { return text() != nullptr && *text() == other; }
  /// Adds or replaces a member of an object.
  void set(std::string_view key, Json value);
  void erase(std::string_view key);

  /// On one line, cut to about `limit` characters.
  std::string dump(size_t limit = 300) const;

 private:
  void append(std::string& out, size_t limit) const;
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Object> value_;
};

struct Json::Member {
  std::string key;
  Json value;
};

inline Json::Json() = default;
inline Json::Json(const Json&) = default;
inline Json::Json(Json&&) noexcept = default;
inline Json& Json::operator=(const Json&) = default;
inline Json& Json::operator=(Json&&) noexcept = default;
inline Json::~Json() = default;
inline Json::Json(bool value) : value_(value) {}
inline Json::Json(int64_t value) : value_(value) {}
inline Json::Json(double value) : value_(value) {}
inline Json::Json(std::string value) : value_(std::move(value)) {}
inline Json::Json(List list) : value_(std::move(list)) {}
inline Json::Json(Object object) : value_(std::move(object)) {}

/// Of two members with one key the last one counts, as in Python.
Result<Json> parse_json(std::string_view text);

}  // namespace pochade::keras

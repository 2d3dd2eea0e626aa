#include "formats/keras/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace pochade::keras {
namespace {

/// Takes nlohmann's events, so that none of its exceptions, and no depth that the file chooses, is ours.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(int64_t{value})); }
  bool number_unsigned(number_unsigned_t value) override {
    return value <= static_cast<uint64_t>(INT64_MAX) ? add(Json(static_cast<int64_t>(value)))
                                                     : add(Json(static_cast<double>(value)));
  }
  bool number_float(number_float_t value, const string_t&) override { return add(Json(double{value})); }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Json(Json::Object())); }
  bool key(string_t& name) override {
    keys_.back() = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(Json(Json::List())); }
  bool end_array() override { return close(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    position_ = position;
    return false;
  }

  Result<Json> take() {
    if (too_deep_) return Error::invalid_model("the JSON is nested more than {} deep", kMaxJsonDepth);
    return Error::invalid_model("not valid JSON at byte {}", position_);
  }
  Json root;

 private:
  bool open(Json container) {
    if (static_cast<int>(open_.size()) >= kMaxJsonDepth) {
      too_deep_ = true;
      return false;
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Json done = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return add(std::move(done));
  }
  bool add(Json value) {
    if (open_.empty())
      root = std::move(value);
    else if (Json::List* list = open_.back().list())
      list->push_back(std::move(value));
    else
      open_.back().object()->push_back({keys_.back(), std::move(value)});
    return true;
  }

  std::vector<Json> open_;
  std::vector<std::string> keys_;  // of the member that comes next, one for each open list or object
  size_t position_ = 0;
  bool too_deep_ = false;
};

}  // namespace

double Json::number() const {
  if (const int64_t* whole = integer()) return static_cast<double>(*whole);
  const double* value = std::get_if<double>(&value_);
  return value != nullptr ? *value : 0;
}

const Json* Json::find(std::string_view key) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  const auto found =
      std::find_if(members->rbegin(), members->rend(), [&](const Member& m) { return m.key == key; });
  return found == members->rend() ? nullptr : &found->value;
}

std::string_view Json::find_text(std::string_view key) const {
  const Json* member = find(key);
  return member != nullptr && member->text() != nullptr ? std::string_view(*member->text()) : "";
}

void Json::set(std::string_view key, Json value) {
  erase(key);
  if (object() != nullptr) object()->push_back({std::string(key), std::move(value)});
}

void Json::erase(std::string_view key) {
  if (object() != nullptr) std::erase_if(*object(), [&](const Member& m) { return m.key == key; });
}

void Json::append(std::string& out, size_t limit) const {
  if (out.size() > limit) return;
  if (const bool* truth = boolean()) out += *truth ? "true" : "false";
  if (is_null()) out += "null";
  if (is_number()) out += integer() != nullptr ? format("{}", *integer()) : format("{}", number());
  if (text() != nullptr) out += '"' + text()->substr(0, limit) + '"';
  if (const List* items = list()) {
    out += '[';
    for (size_t i = 0; i < items->size() && out.size() <= limit; ++i) {
      if (i > 0) out += ", ";
      (*items)[i].append(out, limit);
    }
    out += ']';
  }
  if (const Object* members = object()) {
    out += '{';
    for (size_t i = 0; i < members->size() && out.size() <= limit; ++i) {
      if (i > 0) out += ", ";
      out += '"' + (*members)[i].key.substr(0, limit) + "\": ";
      (*members)[i].value.append(out, limit);
    }
    out += '}';
  }
}

std::string Json::dump(size_t limit) const {
  std::string out;
  append(out, limit);
  if (out.size() > limit) {
    while (limit > 0 && (static_cast<unsigned char>(out[limit]) & 0xc0) == 0x80) --limit;  // whole characters
    out = out.substr(0, limit) + "...";
  }
  return out;
}

Result<Json> parse_json(std::string_view text) {
  if (text.size() > kMaxJsonBytes)
    return Error::not_supported("{} bytes of JSON, at most {} are read", text.size(), kMaxJsonBytes);
  Builder builder;
  if (!nlohmann::json::sax_parse(text, &builder)) return builder.take();
  return std::move(builder.root);
}

}  // namespace pochade::keras

#include "media/heif_parts.h"

#include <gtest/gtest.h>

#include <string>

#include "media/decode.h"

namespace pochade::codec {
namespace {

std::string number(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string box(std::string_view type, const std::string& payload) {
  return number(8 + payload.size(), 4) + std::string(type) + payload;
}

std::string reference(std::string_view type, int from, std::initializer_list<int> to) {
  std::string payload = number(from, 2) + number(to.size(), 2);
  for (const int item : to) payload += number(item, 2);
  return box(type, payload);
}

std::string file(const std::string& references) {
  return box("ftyp", "heic" + number(0, 4) + "mif1heic") +
         box("meta", number(0, 4) + box("iref", number(0, 4) + references));
}

Status check(const std::string& bytes) {
  return check_heif_parts(std::as_bytes(std::span(bytes)));
}

TEST(HeifParts, GridsAndTheirAlphaArePictures) {
  EXPECT_TRUE(check(""));
  EXPECT_TRUE(check(file("")));
  EXPECT_TRUE(check(
      file(reference("dimg", 3, {1, 2, 1, 2}) + reference("auxl", 4, {3}) + reference("thmb", 5, {3}))));
}

TEST(HeifParts, CirclesAreRefused) {
  for (const std::string& references :
       {reference("dimg", 2, {2}), reference("dimg", 1, {2}) + reference("dimg", 2, {1}),
        reference("auxl", 2, {1}) + reference("auxl", 1, {2}),
        reference("dimg", 1, {2}) + reference("auxl", 1, {2})}) {
    const std::string bytes = file(references);
    const Status status = check(bytes);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().text().find("made of itself"), std::string::npos) << status.error().text();
    // Before libheif sees it, which would follow the circle.
    const auto decoded = decode_image(std::as_bytes(std::span(bytes)));
    ASSERT_FALSE(decoded);
    EXPECT_NE(decoded.error().text().find("made of itself"), std::string::npos) << decoded.error().text();
  }
}

TEST(HeifParts, FewBytesAreNotManyPictures) {
  // Each is made of the one before, eight times: 8^5 pictures.
  std::string references;
  for (int item = 1; item <= 5; ++item) {
    const int part = item - 1;
    references += reference("dimg", item, {part, part, part, part, part, part, part, part});
  }
  EXPECT_FALSE(check(file(references)));
  std::string chain;
  for (int item = 1; item <= 8; ++item) chain += reference("dimg", item, {item - 1});
  EXPECT_TRUE(check(file(chain)));
  EXPECT_FALSE(check(file(chain + reference("dimg", 9, {8}))));
}

TEST(HeifParts, ReferencesMustFillTheirBoxes) {
  EXPECT_FALSE(check(file(box("dimg", number(2, 2) + number(2, 2) + number(1, 2)))));
  EXPECT_FALSE(check(file(box("dimg", number(2, 2)))));
}

TEST(HeifParts, AnyBytesEndWithAnAnswer) {
  const std::string whole = file(reference("dimg", 3, {1, 2}) + reference("auxl", 4, {3}));
  for (size_t length = 0; length < whole.size(); ++length) (void)check(whole.substr(0, length));
  for (size_t at = 0; at < whole.size(); ++at)
    for (const int value : {0, 1, 255}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(value);
      (void)check(bytes);
    }
}

}  // namespace
}  // namespace pochade::codec

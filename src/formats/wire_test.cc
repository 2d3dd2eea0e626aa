#include "formats/wire.h"

#include <gtest/gtest.h>

#include <limits>

namespace pochade {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string error_of(std::string_view text) {
  WireReader reader(bytes_of(text));
  while (!reader.done()) {
    const auto field = reader.next();
    if (!field) return field.error().text();
  }
  return "";
}

TEST(Wire, WhatIsWrittenIsRead) {
  WireWriter inner, out;
  inner.text(1, "héllo");
  out.integer(1, std::numeric_limits<int64_t>::min());
  out.integer(2, 300);
  out.number32(3, -1.5f);
  out.message(4, inner);
  out.packed(5, std::vector<int64_t>{0, -1, 1 << 20});
  out.packed(6, std::vector<float>{1, 2.5f});
  out.packed(7, std::vector<double>{1e300});
  const std::string text = out.str();

  WireReader reader(bytes_of(text));
  const auto next = [&] { return reader.next().value(); };
  int64_t integer = 0;
  float number = 0;
  std::string_view string;
  ASSERT_TRUE(next().read(integer));
  EXPECT_EQ(integer, std::numeric_limits<int64_t>::min());
  ASSERT_TRUE(next().read(integer));
  EXPECT_EQ(integer, 300);
  ASSERT_TRUE(next().read(number));
  EXPECT_EQ(number, -1.5f);
  auto message = next().message();
  ASSERT_TRUE(message);
  ASSERT_TRUE(message->next().value().read(string));
  EXPECT_EQ(string, "héllo");
  EXPECT_TRUE(message->done());
  std::vector<int64_t> integers;
  std::vector<float> floats;
  std::vector<double> doubles;
  ASSERT_TRUE(next().append(integers));
  EXPECT_EQ(integers, (std::vector<int64_t>{0, -1, 1 << 20}));
  ASSERT_TRUE(next().append(floats));
  EXPECT_EQ(floats, (std::vector<float>{1, 2.5f}));
  ASSERT_TRUE(next().append(doubles));
  EXPECT_EQ(doubles, (std::vector<double>{1e300}));
  EXPECT_TRUE(reader.done());
}

TEST(Wire, UnpackedNumbersAppendLikePackedOnes) {
  WireWriter out;
  out.integer(8, 5);
  out.packed(8, std::vector<int64_t>{6, 7});
  out.number32(9, 2);
  const std::string text = out.str();
  WireReader reader(bytes_of(text));
  std::vector<int64_t> integers;
  std::vector<float> floats;
  ASSERT_TRUE(reader.next().value().append(integers));
  ASSERT_TRUE(reader.next().value().append(integers));
  ASSERT_TRUE(reader.next().value().append(floats));
  EXPECT_EQ(integers, (std::vector<int64_t>{5, 6, 7}));
  EXPECT_EQ(floats, (std::vector<float>{2}));
}

TEST(Wire, EveryTruncationIsNoticedAndNamed) {
  WireWriter out;
  out.integer(1, 300);
  out.number32(2, 1);
  out.text(3, "abc");
  const std::string text = out.str();
  EXPECT_EQ(error_of(text), "");
  int whole_fields = 0;
  for (size_t size = 0; size < text.size(); ++size) {
    const std::string error = error_of(text.substr(0, size));
    whole_fields += error.empty();
    EXPECT_TRUE(error.empty() || error.find("truncated at byte") != std::string::npos)
        << size << ": " << error;
  }
  EXPECT_EQ(whole_fields, 3);  // after none, one and two fields
}

TEST(Wire, DamageIsRefused) {
  EXPECT_NE(error_of("\x0b"), "");                                          // group
  EXPECT_NE(error_of("\x0c"), "");                                          // end of group
  EXPECT_NE(error_of("\x0e"), "");                                          // wire type 6
  EXPECT_NE(error_of(std::string_view("\x00\x01", 2)), "");                 // field number 0
  EXPECT_NE(error_of("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "");  // 65 bits
  EXPECT_EQ(error_of("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "");  // 64 bits
  EXPECT_NE(error_of("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                     "abc"),
            "");  // a length of 2^64 - 1
}

TEST(Wire, WrongTypesAreErrors) {
  WireWriter out;
  out.integer(1, 1);
  out.text(2, "abcde");
  const std::string text = out.str();
  WireReader reader(bytes_of(text));
  const WireField varint = reader.next().value(), string = reader.next().value();
  int64_t integer;
  float number;
  std::string_view view;
  std::vector<float> floats;
  EXPECT_FALSE(string.read(integer));
  EXPECT_FALSE(varint.read(number));
  EXPECT_FALSE(varint.read(view));
  EXPECT_FALSE(varint.message());
  EXPECT_FALSE(varint.append(floats));
  EXPECT_FALSE(string.append(floats));  // 5 bytes are no floats
  EXPECT_TRUE(floats.empty());
}

TEST(Wire, DeepNestingIsRefused) {
  WireWriter message;
  for (int i = 0; i < kMaxWireDepth + 5; ++i) {
    WireWriter outer;
    outer.message(1, message);
    message = outer;
  }
  const std::string text = message.str();
  WireReader reader(bytes_of(text));
  int depth = 0;
  for (;; ++depth) {
    auto inner = reader.next().value().message();
    if (!inner) {
      EXPECT_NE(inner.error().text().find("nested"), std::string::npos);
      break;
    }
    reader = *inner;
  }
  EXPECT_EQ(depth, kMaxWireDepth);
}

}  // namespace
}  // namespace pochade

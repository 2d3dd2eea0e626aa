#include "formats/keras/json.h"

#include <gtest/gtest.h>

namespace pochade::keras {
namespace {

TEST(KerasJson, ReadsEveryKindOfValue) {
  const Json json =
      parse_json(R"({"a": [1, -2.5, true, null, "t\u00e9xt"], "big": 18446744073709551615, "o": {"k": []}})")
          .value();
  const Json::List& items = *json.find("a")->list();
  EXPECT_EQ(*items[0].integer(), 1);
  EXPECT_EQ(items[0].number(), 1);
  EXPECT_EQ(items[1].number(), -2.5);
  EXPECT_EQ(items[1].integer(), nullptr);
  EXPECT_TRUE(*items[2].boolean());
  EXPECT_TRUE(items[3].is_null());
  EXPECT_EQ(*items[4].text(), "t\xc3\xa9xt");
  EXPECT_EQ(json.find("big")->number(), 18446744073709551615.0);
  EXPECT_EQ(json.find("o")->find("k")->list()->size(), 0u);
  EXPECT_EQ(json.find("absent"), nullptr);
  EXPECT_EQ(json.find("a")->find("a"), nullptr);
  EXPECT_EQ(json.dump(), R"({"a": [1, -2.5, true, null, "t)"
                         "\xc3\xa9"
                         R"(xt"], "big": 18446744073709551616, "o": {"k": []}})");
}

TEST(KerasJson, OfTwoEqualKeysTheLastCounts) {
  EXPECT_EQ(*parse_json(R"({"a": 1, "a": 2})").value().find("a")->integer(), 2);
}

TEST(KerasJson, SaysWhereItIsBroken) {
  EXPECT_EQ(parse_json("{\"a\": }").error().text(), "not valid JSON at byte 7");
  EXPECT_FALSE(parse_json(""));
  EXPECT_FALSE(parse_json("[1, 2"));
  EXPECT_FALSE(parse_json("1 2"));
  EXPECT_FALSE(parse_json("\"\xff\""));
}

TEST(KerasJson, RefusesDepthThatWouldCostStack) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  EXPECT_EQ(parse_json(nested(kMaxJsonDepth + 1)).error().text(), "the JSON is nested more than 100 deep");
  EXPECT_FALSE(parse_json(nested(1000000)));
}

TEST(KerasJson, DumpsNoMoreThanAsked) {
  const Json json = parse_json("[\"" + std::string(1000, 'x') + "\", 2]").value();
  EXPECT_EQ(json.dump(10), "[\"xxxxxxxx...");
}

}  // namespace
}  // namespace pochade::keras

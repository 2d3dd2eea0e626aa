#include "tasks/network.h"

#include <gtest/gtest.h>

namespace pochade {
namespace {

using Strings = std::vector<std::string>;

TEST(Labels, ParsedWithAndWithoutNumbers) {
  EXPECT_EQ(*parse_labels("no\r\nyes\n\n"), (Strings{"no", "yes"}));
  EXPECT_EQ(*parse_labels("0  person\n2: car\n"), (Strings{"person", "", "car"}));
  EXPECT_EQ(*parse_labels("1 cat\ndog\n"), (Strings{"1 cat", "dog"}));  // not every line has a number
  EXPECT_EQ(*parse_labels("0\n1\n2\n"), (Strings{"0", "1", "2"}));      // names that are numbers
  EXPECT_FALSE(parse_labels(std::string_view("a\0b", 3)));
}

TEST(Labels, PlainForms) {
  EXPECT_EQ(plain_label("great_white_shark"), plain_label("Great white shark, white shark, man-eater"));
}

TEST(Labels, OutputsOfClasses) {
  const auto outputs = [](Strings classes, bool indexed, Strings labels, size_t count) {
    auto out = outputs_of_classes(classes, indexed, labels, count);
    return out ? *out : std::vector<size_t>{999};
  };
  using Places = std::vector<size_t>;
  EXPECT_EQ(outputs({"no", "yes"}, false, {"silence", "unknown", "Yes", "no"}, 4), (Places{3, 2}));
  EXPECT_EQ(outputs({"a", "b"}, false, {}, 2), (Places{0, 1}));
  EXPECT_EQ(outputs({"a", "b"}, false, {}, 3), (Places{1, 2}));  // background first
  EXPECT_EQ(outputs({"a", "b"}, false, {}, 4), (Places{999}));   // which is which?
  EXPECT_EQ(outputs({"a", "b"}, false, {"x", "y", "z", "w"}, 4), (Places{999}));
  EXPECT_EQ(outputs({"a", "", "b"}, true, {}, 4), (Places{0, 1, 2}));  // indexes are indexes
  EXPECT_EQ(outputs(Strings(999), true, {}, 1000)[998], 998u);
  EXPECT_EQ(outputs(Strings(999), true, {}, 1001)[998], 999u);
  EXPECT_EQ(outputs(Strings(11), true, {}, 10), (Places{999}));
}

}  // namespace
}  // namespace pochade

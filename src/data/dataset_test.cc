#include "data/dataset.h"

#include <gtest/gtest.h>

#include <fstream>

#include "media/encode.h"
#include "media/test_pictures.h"

namespace pochade {
namespace {

namespace fs = std::filesystem;

class Dataset : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / (std::string("pochade_dataset_") +
                                              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const fs::path& name, std::string_view text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::vector<std::pair<std::string, size_t>> samples(const LabelledSet& set) {
    std::vector<std::pair<std::string, size_t>> out;
    const Status status = set.each([&](const Sample& s) -> Status {
      out.emplace_back(s.file.filename().string(), s.label);
      return {};
    });
    EXPECT_TRUE(status) << status.error().text();
    return out;
  }
  fs::path folder_;
};

TEST_F(Dataset, AFolderForEachClass) {
  write("cat/b.jpg", "");
  write("cat/a.PNG", "");
  write("ant/x.jpeg", "");
  write("ant/notes.txt", "");
  write("empty/readme", "");
  const auto set = LabelledSet::open(folder_, LabelledSet::Kind::kPictures);
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(set->classes(), (std::vector<std::string>{"ant", "cat"}));
  EXPECT_EQ(set->size(), 3);
  EXPECT_FALSE(set->has_indexes());
  EXPECT_EQ(samples(*set),
            (std::vector<std::pair<std::string, size_t>>{{"x.jpeg", 0}, {"a.PNG", 1}, {"b.jpg", 1}}));
}

TEST_F(Dataset, IndexesOfALabelTable) {
  write("labels.tsv", "0\tn01\ttench\r\n2\tn02\tgreat_white_shark\n");
  write("0002_n02.jpg", "");
  write("0000_n01.jpg", "");
  const auto set = LabelledSet::open(folder_, LabelledSet::Kind::kPictures);
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(set->classes(), (std::vector<std::string>{"tench", "", "great_white_shark"}));
  EXPECT_TRUE(set->has_indexes());
  EXPECT_EQ(samples(*set)[1].second, 2u);
  write("0007_n09.jpg", "");
  const Status status = set->each([](const Sample&) -> Status { return {}; });
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text().find("0007_n09.jpg"), std::string::npos);
  write("labels.tsv", "first\tn01\ttench\n");
  const auto broken = LabelledSet::open(folder_, LabelledSet::Kind::kPictures);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().text().find("line 1"), std::string::npos);
}

TEST_F(Dataset, CifarRecords) {
  std::string bytes(2 * 3073, '\0');
  bytes[0] = 9;
  bytes[3073] = 3;
  bytes[3073 + 1] = static_cast<char>(200);                // red of pixel (0, 0)
  bytes[3073 + 1 + 1024 + 33] = static_cast<char>(100);    // green of (1, 1)
  bytes[3073 + 1 + 2048 + 1023] = static_cast<char>(255);  // blue of (31, 31)
  write("test.bin", bytes);
  for (const fs::path& where : {folder_, folder_ / "test.bin"}) {
    const auto set = LabelledSet::open(where, LabelledSet::Kind::kPictures);
    ASSERT_TRUE(set) << set.error().text();
    EXPECT_EQ(set->size(), 2);
    EXPECT_EQ(set->classes()[9], "truck");
    int visited = 0;
    ASSERT_TRUE(set->each([&](const Sample& sample) -> Status {
      if (visited++ == 0) {
        EXPECT_EQ(sample.label, 9u);
        return {};
      }
      const auto picture = sample_picture(sample);
      EXPECT_EQ(to_8_bits(picture->pixel(0, 0)[0]), 200);
      EXPECT_EQ(to_8_bits(picture->pixel(1, 1)[1]), 100);
      EXPECT_EQ(to_8_bits(picture->pixel(31, 31)[2]), 255);
      return {};
    }));
    EXPECT_EQ(visited, 2);
  }
  write("test.bin", bytes.substr(1));
  EXPECT_FALSE(LabelledSet::open(folder_, LabelledSet::Kind::kPictures));
}

TEST_F(Dataset, SoundsByTheWordBeforeTheLine) {
  write("yes_1.wav", "");
  write("no_2_x.WAV", "");
  write("yes_3.wav", "");
  const auto set = LabelledSet::open(folder_, LabelledSet::Kind::kSounds);
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(set->classes(), (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(samples(*set), (std::vector<std::pair<std::string, size_t>>{
                               {"no_2_x.WAV", 0}, {"yes_1.wav", 1}, {"yes_3.wav", 1}}));
  EXPECT_FALSE(LabelledSet::open(folder_, LabelledSet::Kind::kPictures));
  EXPECT_FALSE(LabelledSet::open(folder_ / "nowhere", LabelledSet::Kind::kSounds));
}

constexpr std::string_view kVoc = R"(<annotation verified="yes"><folder>x</folder><filename>a.jpg</filename>
<object><name>A &amp; B</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax> 10 </xmax><ymax>20.5</ymax></bndbox></object>
<object ><names>no</names><name>C</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>6</xmax><ymax>6</ymax></bndbox></object></annotation>)";

TEST(Voc, ObjectsWithBoxes) {
  const auto voc = parse_voc(kVoc);
  ASSERT_TRUE(voc) << voc.error().text();
  EXPECT_EQ(voc->picture, "a.jpg");
  ASSERT_EQ(voc->objects.size(), 2u);
  EXPECT_EQ(voc->objects[0].name, "A & B");
  EXPECT_TRUE(voc->objects[0].difficult);
  EXPECT_EQ(voc->objects[0].box.left, 0);
  EXPECT_EQ(voc->objects[0].box.bottom, 20.5);
  EXPECT_FALSE(voc->objects[1].difficult);
}

TEST(Voc, CutAnywhereIsAnErrorOrLess) {
  for (size_t length = 0; length < kVoc.size(); ++length) {
    const auto voc = parse_voc(kVoc.substr(0, length));
    EXPECT_FALSE(voc);  // </annotation> is the end
  }
  EXPECT_FALSE(parse_voc("<annotation><object><name>x</name></object></annotation>"));
  EXPECT_FALSE(
      parse_voc("<annotation><object><name>x</name><bndbox><xmin>nan</xmin></bndbox></object></annotation>"));
}

TEST_F(Dataset, BoxesFindTheirPictures) {
  write("Annotations/p.xml", kVoc);
  write("JPEGImages/p.png", "");
  const auto set = BoxSet::open(folder_);
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(set->classes(), (std::vector<std::string>{"A & B", "C"}));
  ASSERT_TRUE(set->each([&](const BoxSample& sample) -> Status {
    EXPECT_EQ(sample.picture, folder_ / "JPEGImages/p.png");
    return {};
  }));
  EXPECT_FALSE(BoxSet::open(folder_ / "JPEGImages"));
}

TEST(Masks, ColoursOfPascalVoc) {
  EXPECT_EQ(voc_colour(0), (std::array<uint8_t, 3>{0, 0, 0}));
  EXPECT_EQ(voc_colour(1), (std::array<uint8_t, 3>{128, 0, 0}));
  EXPECT_EQ(voc_colour(15), (std::array<uint8_t, 3>{192, 128, 128}));
  EXPECT_EQ(voc_colour(255), (std::array<uint8_t, 3>{224, 224, 192}));
  Image mask = Image::create(3, 1, 3).value();
  for (size_t c = 0; c < 3; ++c) {
    mask.pixel(1, 0)[c] = from_8_bits(voc_colour(15)[c]);
    mask.pixel(2, 0)[c] = from_8_bits(voc_colour(255)[c]);
  }
  EXPECT_EQ(*mask_classes(mask), (std::vector<uint8_t>{0, 15, 255}));
  mask.pixel(0, 0)[0] = from_8_bits(3);
  EXPECT_FALSE(mask_classes(mask));
  Image grey = Image::create(2, 1, 3).value();
  for (size_t c = 0; c < 3; ++c) grey.pixel(1, 0)[c] = from_8_bits(7);
  EXPECT_EQ(*mask_classes(grey), (std::vector<uint8_t>{0, 7}));
}

}  // namespace
}  // namespace pochade

#include "formats/keras/stream.h"

#include <gtest/gtest.h>

#include <cstring>

namespace pochade::keras {
namespace {

/// Writes records as the reader program does; lengths can be wrong.
class Stream {
 public:
  Stream() {
    bytes_ = kStreamMagic;
    align();
  }
  Stream& record(RecordKind kind, std::string_view name, std::string_view payload) {
    number(static_cast<uint32_t>(kind));
    number(static_cast<uint32_t>(name.size()));
    number(static_cast<uint64_t>(payload.size()));
    bytes_ += name;
    align();
    bytes_ += payload;
    align();
    return *this;
  }
  Stream& dataset(std::string_view name, uint32_t type, const std::vector<uint64_t>& dims,
                  std::string_view data) {
    std::string payload;
    append(payload, type);
    append(payload, static_cast<uint32_t>(dims.size()));
    for (const uint64_t size : dims) append(payload, size);
    payload.resize((payload.size() + kStreamAlignment - 1) / kStreamAlignment * kStreamAlignment);
    return record(RecordKind::kDataset, name, payload.append(data));
  }
  Stream& end() { return record(RecordKind::kEnd, "", ""); }
  const std::string& bytes() const { return bytes_; }

  template <typename T>
  static void append(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

 private:
  template <typename T>
  void number(T value) {
    append(bytes_, value);
  }
  void align() {
    bytes_.resize((bytes_.size() + kStreamAlignment - 1) / kStreamAlignment * kStreamAlignment);
  }
  std::string bytes_;
};

Result<Contents> parse(std::string_view bytes) {
  return parse_stream(Bytes::copy_of(bytes));
}

std::string strings(std::initializer_list<std::string_view> texts) {
  std::string out;
  for (const std::string_view text : texts) {
    Stream::append(out, static_cast<uint32_t>(text.size()));
    out += text;
  }
  return out;
}

TEST(KerasStream, GivesTextsAttributesAndDatasets) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  Stream stream;
  stream.record(RecordKind::kText, "config.json", "{}")
      .record(RecordKind::kAttribute, "g@names", strings({"kernel:0", "", "bias:0"}))
      .record(RecordKind::kAttribute, "@backend", strings({"tensorflow"}))
      .dataset("g/kernel", static_cast<uint32_t>(StreamType::kF32), {2, 3},
               {reinterpret_cast<const char*>(values), sizeof(values)})
      .end();
  const Contents contents = parse(stream.bytes()).value();
  EXPECT_EQ(contents.texts.at("config.json"), "{}");
  EXPECT_EQ(contents.attributes.at("g@names"), (std::vector<std::string>{"kernel:0", "", "bias:0"}));
  EXPECT_EQ(contents.attribute("@backend"), "tensorflow");
  EXPECT_EQ(contents.attribute("g@names"), "");
  const Tensor& kernel = contents.datasets.at("g/kernel");
  EXPECT_EQ(kernel.shape(), (Shape{2, 3}));
  EXPECT_EQ(kernel.data<float>()[5], 6);
}

TEST(KerasStream, EveryPrefixIsRefused) {
  Stream stream;
  stream.record(RecordKind::kText, "config.json", "{}").dataset("w", 1, {2}, "12345678").end();
  const std::string& bytes = stream.bytes();
  ASSERT_TRUE(parse(bytes));
  // The last record has neither name nor payload, so that its padding says nothing.
  for (size_t length = 0; length + kStreamAlignment < bytes.size(); ++length)
    EXPECT_FALSE(parse(bytes.substr(0, length))) << length;
}

TEST(KerasStream, AnErrorAlwaysHasWords) {
  EXPECT_EQ(parse(Stream().record(RecordKind::kError, "", "").end().bytes()).error().text(),
            "it cannot be read");
  EXPECT_EQ(parse(Stream().record(RecordKind::kError, "", "no HDF5").end().bytes()).error().text(),
            "no HDF5");
}

TEST(KerasStream, LengthsAreNotBelieved) {
  EXPECT_FALSE(parse(Stream().dataset("w", 1, {3}, "12345678").end().bytes()));
  EXPECT_FALSE(parse(Stream().dataset("w", 1, {uint64_t{1} << 62, 4}, "").end().bytes()));
  EXPECT_FALSE(parse(Stream().dataset("w", 1, {~uint64_t{0}}, "").end().bytes()));
  EXPECT_FALSE(parse(Stream().dataset("w", 1, std::vector<uint64_t>(9, 1), "1234").end().bytes()));
  EXPECT_FALSE(parse(Stream().dataset("w", 0, {1}, "1234").end().bytes()));
  EXPECT_FALSE(parse(Stream().dataset("w", 13, {1}, "1234").end().bytes()));
  EXPECT_FALSE(parse(
      Stream().record(RecordKind::kAttribute, "a", std::string_view("\xff\xff\xff\xff", 4)).end().bytes()));
  EXPECT_FALSE(parse(Stream().record(static_cast<RecordKind>(9), "a", "").end().bytes()));
  std::string bytes = Stream().record(RecordKind::kText, "a", "b").end().bytes();
  std::memset(bytes.data() + 64 + 8, 0xff, 8);
  EXPECT_FALSE(parse(bytes));
}

TEST(KerasStream, TheReadersSentenceIsTheError) {
  EXPECT_EQ(parse(Stream().record(RecordKind::kError, "", "it is damaged").bytes()).error().text(),
            "it is damaged");
  EXPECT_EQ(
      parse("something else, of more than sixty-four bytes, so that it could be a header").error().text(),
      "the reader program is not ours");
}

TEST(KerasStream, EmptyDatasetsAreTensors) {
  const Contents contents = parse(Stream().dataset("w", 1, {0, 3}, "").end().bytes()).value();
  EXPECT_EQ(contents.datasets.at("w").shape(), (Shape{0, 3}));
}

}  // namespace
}  // namespace pochade::keras

#include "formats/tensorflow/bundle.h"

#include <gtest/gtest.h>

#include "formats/tensorflow/bundle_builder.h"
#include "formats/tensorflow/table.h"

namespace pochade::tensorflow {
namespace {

BundleBuilder three_variables() {
  BundleBuilder out;
  out.floats("layer-0/bias", {2}, {1, 2})
      .floats("layer-0/kernel", {2, 2}, {3, 4, 5, 6})
      .floats("step", {}, {7});
  return out;
}

Result<Bundle> open(const Bytes& index, const Bytes& data) {
  return Bundle::open(index, [data](int64_t, int64_t) -> Result<Bytes> { return data; });
}

std::string error_of(const Bytes& index, const Bytes& data, std::string_view key) {
  auto bundle = open(index, data);
  if (!bundle) return bundle.error().text();
  const auto tensor = bundle->tensor(key);
  return tensor ? "" : tensor.error().text();
}

Bytes changed(const Bytes& bytes, size_t at) {
  std::string text(bytes.text());
  text[at] = static_cast<char>(text[at] ^ 1);
  return Bytes::copy_of(text);
}

TEST(Crc32c, IsThatOfTheStandard) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0})), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0xff})), 0x62a8ab43u);
  std::vector<std::byte> ascending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(crc32c(std::as_bytes(std::span(std::string_view("123456789")))), 0xe3069283u);
}

TEST(Bundle, GivesEveryVariable) {
  const BundleBuilder builder = three_variables();
  auto bundle = open(builder.index(), builder.data());
  ASSERT_TRUE(bundle) << bundle.error().text();
  EXPECT_EQ(bundle->size(), 3u);
  EXPECT_EQ(to_floats(*bundle->tensor("layer-0/bias")), (std::vector<float>{1, 2}));
  const Tensor kernel = *bundle->tensor("layer-0/kernel");
  EXPECT_EQ(to_string(kernel.shape()), "2x2");
  EXPECT_EQ(to_floats(kernel), (std::vector<float>{3, 4, 5, 6}));
  EXPECT_EQ(to_floats(*bundle->tensor("step")), (std::vector<float>{7}));
  EXPECT_TRUE(bundle->has("step"));
  EXPECT_FALSE(bundle->has("steps"));
}

TEST(Bundle, RefusesWhatIsDamagedOrMissing) {
  const BundleBuilder builder = three_variables();
  const Bytes index = builder.index(), data = builder.data();
  EXPECT_NE(error_of(index, changed(data, 0), "layer-0/bias").find("wrong checksum"), std::string::npos);
  EXPECT_EQ(error_of(index, changed(data, 0), "step"), "");
  EXPECT_NE(error_of(changed(index, 3), data, "step").find("wrong checksum"), std::string::npos);
  EXPECT_NE(error_of(index, data, "nobody").find("\"nobody\" is not in the checkpoint"), std::string::npos);
  EXPECT_NE(error_of(index, Bytes::copy_of("short"), "step").find("outside the shard"), std::string::npos);
  EXPECT_NE(error_of(Bytes::copy_of("short"), data, "step").find("no table"), std::string::npos);
  EXPECT_NE(error_of(builder.index(1), data, "step").find("Snappy"), std::string::npos);
}

TEST(Bundle, EveryTruncationIsAnError) {
  const std::string whole(three_variables().index().text());
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(read_table(Bytes::copy_of(whole.substr(0, size)))) << size;
}

}  // namespace
}  // namespace pochade::tensorflow

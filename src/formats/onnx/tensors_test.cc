#include "formats/onnx/tensors.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

#include "formats/onnx/model_builder.h"

namespace pochade::onnx {
namespace {

namespace fs = std::filesystem;

Result<Tensor> read(const WireWriter& message, const fs::path& folder = "") {
  const Bytes file = Bytes::copy_of(message.str());
  TRY(const TensorProto proto, parse_tensor(file.span()));
  return TensorFiles(file, folder).tensor(proto);
}

std::string error_of(const Result<Tensor>& result) {
  return result ? "" : result.error().text();
}

WireWriter typed(ElementType type, const std::vector<int64_t>& dims, uint32_t field,
                 const std::vector<int64_t>& values) {
  WireWriter out;
  out.packed(1, dims);
  out.integer(2, static_cast<int64_t>(type));
  out.packed(field, values);
  out.text(8, "w");
  return out;
}

TEST(OnnxTensor, RawDataSharesTheFile) {
  const Bytes file =
      Bytes::copy_of(raw_tensor("w", ElementType::kFloat, {2, 2}, std::vector<float>{1, 2, 3, 4}).str());
  const TensorProto proto = parse_tensor(file.span()).value();
  const Tensor tensor = TensorFiles(file, "").tensor(proto).value();
  EXPECT_EQ(tensor.shape(), (Shape{2, 2}));
  EXPECT_EQ(to_floats(tensor), (std::vector<float>{1, 2, 3, 4}));
  const bool aligned = reinterpret_cast<uintptr_t>(proto.raw.data()) % 4 == 0;
  EXPECT_EQ(tensor.bytes() == proto.raw.data(), aligned);
}

TEST(OnnxTensor, TypedDataOfEveryKind) {
  EXPECT_EQ(to_int64s(read(typed(ElementType::kInt8, {3}, 5, {-128, 0, 127})).value()),
            (std::vector<int64_t>{-128, 0, 127}));
  EXPECT_EQ(to_int64s(read(typed(ElementType::kUint16, {1}, 5, {65535})).value()),
            (std::vector<int64_t>{65535}));
  EXPECT_EQ(to_int64s(read(typed(ElementType::kInt64, {2}, 7, {-1, int64_t{1} << 40})).value()),
            (std::vector<int64_t>{-1, int64_t{1} << 40}));
  EXPECT_EQ(to_int64s(read(typed(ElementType::kUint32, {1}, 11, {4000000000})).value()),
            (std::vector<int64_t>{4000000000}));
  EXPECT_EQ(to_int64s(read(typed(ElementType::kBool, {2}, 5, {0, 1})).value()), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(to_floats(read(typed(ElementType::kFloat16, {1}, 5, {0x3c00})).value()), (std::vector<float>{1}));
  EXPECT_EQ(to_floats(read(typed(ElementType::kBfloat16, {1}, 5, {0x4000})).value()),
            (std::vector<float>{2}));

  WireWriter doubles;
  doubles.integer(1, 2);
  doubles.integer(2, static_cast<int64_t>(ElementType::kDouble));
  doubles.packed(10, std::vector<double>{0.5, -3});
  EXPECT_EQ(to_floats(read(doubles).value()), (std::vector<float>{0.5f, -3}));
}

TEST(OnnxTensor, FourBitElementsBecomeBytes) {
  EXPECT_EQ(to_int64s(read(raw_tensor("w", ElementType::kInt4, {3}, std::string_view("\xf1\x08"))).value()),
            (std::vector<int64_t>{1, -1, -8}));
  EXPECT_EQ(to_int64s(read(raw_tensor("w", ElementType::kUint4, {3}, std::string_view("\xf1\x08"))).value()),
            (std::vector<int64_t>{1, 15, 8}));
  EXPECT_FALSE(read(raw_tensor("w", ElementType::kUint4, {5}, std::string_view("\xf1\x08"))));
}

TEST(OnnxTensor, BadTensorsAreNamed) {
  const auto f = ElementType::kFloat;
  const std::string_view none;
  for (const auto& bad : {
           raw_tensor("w", f, {-1}, none), raw_tensor("w", f, {2}, std::string_view("abc")),
           raw_tensor("w", f, {int64_t{1} << 40, int64_t{1} << 40}, none),
           raw_tensor("w", f, {1, 1, 1, 1, 1, 1, 1, 1, 1}, std::string_view("abcd")),
           raw_tensor("w", ElementType::kString, {1}, none),
           raw_tensor("w", ElementType::kUndefined, {0}, none),
           raw_tensor("w", static_cast<ElementType>(99), {0}, none),
           typed(ElementType::kInt64, {int64_t{1} << 50}, 7, {1, 2}),  // must not allocate a petabyte
           typed(ElementType::kInt64, {3}, 7, {1, 2}), typed(ElementType::kInt64, {1}, 7, {1, 2}),
           typed(ElementType::kInt64, {2}, 5, {1, 2}),  // int32_data for int64 elements
       }) {
    const std::string error = error_of(read(bad));
    EXPECT_NE(error.find("tensor \"w\""), std::string::npos) << error;
  }
  EXPECT_EQ(read(raw_tensor("w", f, {0, 5}, none)).value().elements(), 0);
}

class External : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / format("pochade_external_{}", ::getpid());
    fs::create_directories(root_ / "model" / "inner");
    std::ofstream(root_ / "model" / "weights.bin", std::ios::binary)
        .write("\0\0\0\0\0\0\x80\x3f\0\0\0\x40", 12);
    std::ofstream(root_ / "secret.bin", std::ios::binary).write("\0\0\0\0", 4);
    fs::create_symlink(root_ / "secret.bin", root_ / "model" / "link.bin");
    fs::create_symlink("weights.bin", root_ / "model" / "inner_link.bin");
  }
  void TearDown() override { fs::remove_all(root_); }

  static WireWriter external(const std::vector<int64_t>& dims, std::string_view location,
                             std::string_view offset, std::string_view length) {
    WireWriter out;
    out.packed(1, dims);
    out.integer(2, static_cast<int64_t>(ElementType::kFloat));
    out.text(8, "w");
    const auto entry = [&](std::string_view key, std::string_view text) {
      if (text.empty()) return;
      WireWriter pair;
      pair.text(1, key);
      pair.text(2, text);
      out.message(13, pair);
    };
    entry("location", location);
    entry("offset", offset);
    entry("length", length);
    out.integer(14, 1);
    return out;
  }
  std::string error(const WireWriter& tensor) { return error_of(read(tensor, root_ / "model")); }

  fs::path root_;
};

TEST_F(External, ReadsAPartOfAFile) {
  const Tensor two = read(external({2}, "weights.bin", "4", "8"), root_ / "model").value();
  EXPECT_EQ(to_floats(two), (std::vector<float>{1, 2}));
  EXPECT_EQ(read(external({3}, "weights.bin", "", ""), root_ / "model").value().elements(), 3);
  EXPECT_EQ(read(external({3}, "inner/../inner_link.bin", "", ""), root_ / "model").value().elements(), 3);
}

TEST_F(External, RefusesWhatLiesOutsideTheFolder) {
  for (const std::string& location :
       {std::string("../secret.bin"), std::string("link.bin"), std::string("inner/../../secret.bin"),
        (root_ / "secret.bin").string(), std::string("/etc/passwd")})
    EXPECT_NE(error(external({1}, location, "", "4")).find("outside the model's folder"), std::string::npos)
        << location;
  EXPECT_NE(error_of(read(external({1}, "weights.bin", "", "4"))).find("not read from a folder"),
            std::string::npos);
}

TEST_F(External, RefusesWhatDoesNotFit) {
  EXPECT_NE(error(external({1}, "absent.bin", "", "")).find("absent.bin"), std::string::npos);
  EXPECT_NE(error(external({1}, "inner", "", "")).find("not a file"), std::string::npos);
  EXPECT_NE(error(external({1}, "weights.bin", "12", "4")).find("beyond"), std::string::npos);
  EXPECT_NE(error(external({1}, "weights.bin", "18446744073709551615", "4")).find("beyond"),
            std::string::npos);
  EXPECT_NE(error(external({1}, "weights.bin", "4", "18446744073709551615")).find("beyond"),
            std::string::npos);
  EXPECT_NE(error(external({1}, "weights.bin", "-4", "4")).find("expected a number"), std::string::npos);
  EXPECT_NE(error(external({1}, "weights.bin", "4x", "4")).find("expected a number"), std::string::npos);
  EXPECT_NE(error(external({1}, "weights.bin", "0", "8")).find("do not fill"), std::string::npos);
  EXPECT_NE(error(external({1}, "", "0", "4")).find("location"), std::string::npos);
}

}  // namespace
}  // namespace pochade::onnx

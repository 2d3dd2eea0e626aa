#include "formats/npy.h"

#include <gtest/gtest.h>

namespace pochade {
namespace {

TEST(Npy, RoundTripOfEveryTypeAndRank) {
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kI8, DType::kI64, DType::kU8,
                            DType::kU16, DType::kBool}) {
    for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 0}, Shape{2, 3, 1, 2}}) {
      Tensor tensor = Tensor::make(dtype, shape).value();
      for (size_t i = 0; i < tensor.byte_size(); ++i)
        tensor.mutable_bytes()[i] = std::byte{static_cast<unsigned char>(dtype == DType::kBool ? i % 2 : i)};
      const auto back = parse_npy(Bytes::copy_of(npy_bytes(tensor)));
      ASSERT_TRUE(back) << back.error().text();
      EXPECT_TRUE(back->identical(tensor));
    }
  }
}

TEST(Npy, EveryTruncationIsRefused) {
  const std::string whole = npy_bytes(Tensor::of<float>({2, 2}, {1, 2, 3, 4}));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_npy(Bytes::copy_of(std::string_view(whole).substr(0, size)))) << size;
}

TEST(Npy, FortranOrderAndOddTypesAreNamed) {
  std::string file = npy_bytes(Tensor::of<float>({2, 2}, {1, 2, 3, 4}));
  std::string fortran = file;
  fortran.replace(fortran.find("False"), 5, "True ");
  EXPECT_EQ(parse_npy(Bytes::copy_of(fortran)).error().code(), ErrorCode::kNotSupported);
  file.replace(file.find("<f4"), 3, ">f4");
  EXPECT_NE(parse_npy(Bytes::copy_of(file)).error().text().find(">f4"), std::string::npos);
}

}  // namespace
}  // namespace pochade

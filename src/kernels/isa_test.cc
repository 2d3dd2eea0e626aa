#include "kernels/isa.h"

#include <gtest/gtest.h>

#include "kernels/kernels.h"

namespace pochade {
namespace {

TEST(Isa, NamesGoBothWays) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kNeon,
                        Isa::kNeonDotprod, Isa::kNeonI8mm})
    EXPECT_EQ(isa, parse_isa(name(isa)));
  EXPECT_FALSE(parse_isa("sse9").has_value());
  EXPECT_FALSE(parse_isa("").has_value());
}

TEST(Isa, ScalarIsAlwaysThereAndTablesSayWhatTheyAre) {
  ASSERT_FALSE(supported_isas().empty());
  EXPECT_EQ(Isa::kScalar, supported_isas().front());
  EXPECT_EQ(supported_isas().back(), best_isa());
  for (const Isa isa : supported_isas()) {
    ASSERT_NE(nullptr, kernels(isa));
    EXPECT_EQ(name(isa), kernels(isa)->isa);
    EXPECT_EQ(name(isa), kernels(isa)->int8->isa);
  }
}

TEST(Isa, ForeignOnesAreRefused) {
#if defined(__x86_64__)
  EXPECT_EQ(nullptr, kernels(Isa::kNeon));
#else
  EXPECT_EQ(nullptr, kernels(Isa::kAvx2));
#endif
}

TEST(Isa, EveryEntryOfEveryTableIsFilled) {
  for (const Isa isa : supported_isas()) {
    const auto expect_filled = [&](const auto* table) {
      const auto* entries = reinterpret_cast<void* const*>(table);
      for (size_t i = 0; i < sizeof(*table) / sizeof(void*); ++i)
        EXPECT_NE(nullptr, entries[i]) << name(isa) << " entry " << i;
    };
    expect_filled(kernels(isa));
    expect_filled(kernels(isa)->int8);
  }
}

}  // namespace
}  // namespace pochade

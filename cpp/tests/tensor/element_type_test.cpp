#include "zerolite/tensor/element_type.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

namespace zerolite::tests {
namespace {

constexpr int kFirst = static_cast<int>(ElementType::none);
constexpr int kLast = static_cast<int>(ElementType::float8_e5m2);
constexpr std::int32_t kLongest = std::numeric_limits<std::int32_t>::max();

TEST(ElementTypeTest, EveryTypeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int type = kFirst; type <= kLast; ++type) names.insert(name_of(static_cast<ElementType>(type)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kLast - kFirst + 1));
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(ElementTypeTest, ValuesThatNoTypeHasAreUnknown) {
  for (const int value : {-1, kLast + 1, std::numeric_limits<int>::max()}) {
    const auto type = static_cast<ElementType>(value);
    EXPECT_EQ(name_of(type), "unknown");
    EXPECT_EQ(bits_of(type), std::nullopt);
    EXPECT_EQ(byte_size(type, {}), std::nullopt);
  }
}

TEST(ElementTypeTest, NamesThatEndInANumberTellTheSize) {
  for (int value = kFirst; value <= kLast; ++value) {
    const auto type = static_cast<ElementType>(value);
    const std::string name(name_of(type));
    const std::size_t digits = name.find_last_not_of("0123456789") + 1;
    if (digits == name.size() || name.starts_with("float8")) continue;
    EXPECT_EQ(bits_of(type), std::stoul(name.substr(digits))) << name;
  }
}

TEST(ElementTypeTest, OnlyTypesUnderAByteArePacked) {
  EXPECT_TRUE(is_packed(ElementType::int2));
  EXPECT_TRUE(is_packed(ElementType::int4));
  EXPECT_TRUE(is_packed(ElementType::uint4));
  EXPECT_FALSE(is_packed(ElementType::int8));
  EXPECT_FALSE(is_packed(ElementType::boolean));
  EXPECT_FALSE(is_packed(ElementType::string));
}

TEST(ByteSizeTest, CountsElements) {
  EXPECT_EQ(byte_size(ElementType::float32, {}), 4U);
  EXPECT_EQ(byte_size(ElementType::float32, std::vector{2, 3}), 24U);
  EXPECT_EQ(byte_size(ElementType::complex128, std::vector{2}), 32U);
}

TEST(ByteSizeTest, RoundsPackedElementsUp) {
  EXPECT_EQ(byte_size(ElementType::int4, std::vector{7}), 4U);
  EXPECT_EQ(byte_size(ElementType::int4, std::vector{8}), 4U);
  EXPECT_EQ(byte_size(ElementType::int2, std::vector{3, 3}), 3U);
  EXPECT_EQ(byte_size(ElementType::int2, std::vector<std::int32_t>{}), 1U);
}

TEST(ByteSizeTest, NothingTakesNothing) {
  EXPECT_EQ(byte_size(ElementType::float32, std::vector{3, 0, 2}), 0U);
  EXPECT_EQ(byte_size(ElementType::int4, std::vector{0}), 0U);
}

TEST(ByteSizeTest, RefusesWhatIsNoSize) {
  EXPECT_EQ(byte_size(ElementType::float32, std::vector{-1}), std::nullopt);
  EXPECT_EQ(byte_size(ElementType::float32, std::vector{0, -1}), std::nullopt);
  EXPECT_EQ(byte_size(ElementType::string, std::vector{1}), std::nullopt);
  EXPECT_EQ(byte_size(ElementType::resource, std::vector{1}), std::nullopt);
}

TEST(ByteSizeTest, RefusesWhatDoesNotFitIntoMemory) {
  EXPECT_EQ(byte_size(ElementType::float32, std::vector{kLongest, kLongest, 2}), std::nullopt);
  EXPECT_EQ(byte_size(ElementType::int8, std::vector{kLongest, kLongest, kLongest}), std::nullopt);
  // A product of 2**64 would wrap around to nothing.
  EXPECT_EQ(byte_size(ElementType::int8, std::vector{1 << 30, 1 << 30, 1 << 4}), std::nullopt);
  // An impossible size stays impossible when another dimension is 0, as in NumPy.
  EXPECT_EQ(byte_size(ElementType::float32, std::vector{kLongest, kLongest, kLongest, 0}), std::nullopt);
}

}  // namespace
}  // namespace zerolite::tests

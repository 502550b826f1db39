#include "zerolite/tensor/string_tensor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using std::string_view_literals::operator""sv;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::byte> words(const std::vector<std::int32_t>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(std::int32_t));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(StringTensorTest, GivesBackWhatWentIn) {
  const std::vector<std::string_view> strings = {"", "abc", "with\0zero"sv, "gr\303\266\303\237e", "\xFF\xFE", ""};
  EXPECT_EQ(string_tensor::decode(string_tensor::encode(strings)), strings);
}

TEST(StringTensorTest, LaysStringsOutAsTheFormatSays) {
  std::vector<std::byte> expected = words({2, 16, 17, 19});
  for (const char letter : {'a', 'b', 'c'}) expected.push_back(static_cast<std::byte>(letter));
  const std::vector<std::string_view> strings = {"a", "bc"};
  EXPECT_EQ(string_tensor::encode(strings), expected);
}

TEST(StringTensorTest, HoldsNoStrings) {
  EXPECT_EQ(string_tensor::encode({}), words({0, 8}));
  EXPECT_THAT(string_tensor::decode(words({0, 8})), IsEmpty());
  EXPECT_THAT(string_tensor::decode({}), IsEmpty());
}

TEST(StringTensorTest, RefusesEveryTruncation) {
  const std::vector<std::string_view> strings = {"abc", "", "defg"};
  const std::vector<std::byte> whole = string_tensor::encode(strings);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    // Memory of just that size, so that AddressSanitizer sees a read past it.
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW((void)string_tensor::decode(part), Error) << size;
  }
}

TEST(StringTensorTest, RefusesOffsetsThatAreWrong) {
  EXPECT_THROW((void)string_tensor::decode(words({-1, 8})), Error);
  EXPECT_THROW((void)string_tensor::decode(words({1, -1, 12})), Error);
  EXPECT_THROW((void)string_tensor::decode(words({1, 12, 13})), Error);
  EXPECT_THROW((void)string_tensor::decode(words({1, 12, 8})), Error);
  EXPECT_THROW((void)string_tensor::decode(words({0x7FFFFFFF, 12, 12})), Error);
}

TEST(StringTensorTest, IgnoresMemoryAfterTheEnd) {
  const std::vector<std::string_view> strings = {"abc"};
  std::vector<std::byte> bytes = string_tensor::encode(strings);
  bytes.resize(bytes.size() + 100, std::byte{0xFF});
  EXPECT_THAT(string_tensor::decode(bytes), ElementsAre("abc"));
}

TEST(StringTensorTest, RefusesMoreThanTheFormatCanAddress) {
  const std::string long_text(std::size_t{1} << 20, 'x');
  const std::vector<std::string_view> strings(std::size_t{1} << 11, long_text);
  EXPECT_THROW((void)string_tensor::encode(strings), ValueError);
}

}  // namespace
}  // namespace zerolite::tests

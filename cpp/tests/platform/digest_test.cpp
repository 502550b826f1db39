#include "zerolite/platform/digest.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <set>
#include <vector>

namespace zerolite::tests {
namespace {

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + 1);
  return bytes;
}

TEST(ContentDigestTest, EveryBitAndEveryLengthCounts) {
  std::set<Digest> seen;
  std::size_t contents = 0;
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 63, 64, 65, 200}) {
    std::vector<std::byte> bytes = pattern(size);
    seen.insert(digest_of(bytes));
    ++contents;
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      seen.insert(digest_of(bytes));
      ++contents;
      bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
  }
  for (std::size_t zeros = 2; zeros < 200; ++zeros) {
    seen.insert(digest_of(std::vector<std::byte>(zeros)));
    ++contents;
  }
  EXPECT_EQ(seen.size(), contents);
}

TEST(ContentDigestTest, PartsGiveWhatTheWholeGives) {
  const std::vector<std::byte> bytes = pattern(1000);
  ContentDigest digest;
  digest.add(std::span(bytes).first(64));
  digest.add(std::span(bytes).subspan(64, 640));
  digest.add(std::span(bytes).subspan(704));
  EXPECT_EQ(digest.value(), digest_of(bytes));
}

TEST(ContentDigestTest, OrderCounts) {
  std::vector<std::byte> bytes = pattern(256);
  const Digest before = digest_of(bytes);
  std::swap_ranges(bytes.begin(), bytes.begin() + 64, bytes.begin() + 64);
  EXPECT_NE(digest_of(bytes), before);
}

}  // namespace
}  // namespace zerolite::tests

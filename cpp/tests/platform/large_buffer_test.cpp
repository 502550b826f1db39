#include "zerolite/platform/large_buffer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <new>
#include <utility>

#include "zerolite/platform/aligned_buffer.hpp"

namespace zerolite::tests {
namespace {

constexpr std::size_t kPage = LargeBuffer::kLargePage;

class LargeBufferOfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(LargeBufferOfSize, IsAlignedAndAllOfItIsThere) {
  const std::size_t size = GetParam();
  LargeBuffer buffer(size);
  EXPECT_EQ(buffer.bytes().size(), size);
  EXPECT_TRUE(is_aligned(buffer.bytes().data()));
  if (size >= kPage) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.bytes().data()) % kPage, 0U);
  }
  buffer.bytes().front() = std::byte{5};
  buffer.bytes().back() = std::byte{7};
  const LargeBuffer moved = std::move(buffer);
  EXPECT_EQ(moved.bytes().front(), size == 1 ? std::byte{7} : std::byte{5});
  EXPECT_EQ(moved.bytes().back(), std::byte{7});
}

INSTANTIATE_TEST_SUITE_P(Sizes, LargeBufferOfSize,
                         testing::Values(1, 64, kPage - 1, kPage, kPage + 1, 3 * kPage / 2, 4 * kPage - 1));

TEST(LargeBufferTest, MayBeReadPastItsEnd) {
  const LargeBuffer buffer(2 * kPage);
  const std::byte* const end = buffer.bytes().data() + buffer.bytes().size();
  for (std::size_t i = 0; i < kReadPastEnd; ++i) EXPECT_EQ(end[i], std::byte{0});
}

TEST(LargeBufferTest, RefusesSizesThatDoNotFit) {
  EXPECT_THROW((void)LargeBuffer(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
  EXPECT_THROW((void)LargeBuffer(std::numeric_limits<std::size_t>::max() / 2), std::bad_alloc);
}

}  // namespace
}  // namespace zerolite::tests

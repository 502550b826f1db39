#include "zerolite/platform/aligned_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <new>
#include <span>

namespace zerolite::tests {
namespace {

class AlignedBufferOfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(AlignedBufferOfSize, IsAlignedZeroedAndPadded) {
  const std::size_t size = GetParam();
  const std::shared_ptr<AlignedBuffer> buffer = AlignedBuffer::allocate(size);
  EXPECT_EQ(buffer->size(), size);
  EXPECT_TRUE(is_aligned(buffer->data()));
  EXPECT_GE(buffer->capacity(), size + kReadPastEnd);
  EXPECT_EQ(buffer->capacity() % kTensorAlignment, 0U);
  // All of the capacity is there: AddressSanitizer stops a read past the memory.
  const std::span<const std::byte> all(buffer->data(), buffer->capacity());
  EXPECT_TRUE(std::ranges::all_of(all, [](std::byte byte) { return byte == std::byte{0}; }));
}

INSTANTIATE_TEST_SUITE_P(Sizes, AlignedBufferOfSize, testing::Values(0, 1, 47, 48, 49, 63, 64, 65, 4096, 1000003));

TEST(AlignedBufferTest, RefusesSizesThatDoNotFit) {
  EXPECT_THROW((void)AlignedBuffer::allocate(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
  EXPECT_THROW((void)AlignedBuffer::allocate(std::numeric_limits<std::size_t>::max() - 15), std::bad_alloc);
}

TEST(AlignedBufferTest, TellsAlignedAddresses) {
  const std::shared_ptr<AlignedBuffer> buffer = AlignedBuffer::allocate(64);
  EXPECT_TRUE(is_aligned(buffer->data()));
  EXPECT_FALSE(is_aligned(buffer->data() + 1));
  EXPECT_FALSE(is_aligned(buffer->data() + 32));
}

}  // namespace
}  // namespace zerolite::tests

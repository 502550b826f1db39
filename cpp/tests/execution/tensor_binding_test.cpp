#include "zerolite/execution/tensor_binding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "zerolite/platform/aligned_buffer.hpp"

namespace zerolite::tests {
namespace {

TEST(TensorSlotTest, IsFilledWithZerosWhenItIsFitted) {
  TensorSlot slot(3, ElementType::float32);
  EXPECT_EQ(slot.owner(), nullptr);
  EXPECT_TRUE(slot.fit({2, 5}, 40));
  EXPECT_EQ(slot.tensor_index(), 3);
  EXPECT_EQ(slot.size(), 40U);
  EXPECT_EQ(slot.shape(), (std::vector<std::int32_t>{2, 5}));
  EXPECT_TRUE(is_aligned(slot.data()));
  EXPECT_TRUE(std::ranges::all_of(slot.bytes(), [](std::byte byte) { return byte == std::byte{0}; }));
  EXPECT_FALSE(slot.is_bound());
}

TEST(TensorSlotTest, KeepsMemoryOfTheRightSize) {
  TensorSlot slot(0, ElementType::float32);
  slot.fit({2, 5}, 40);
  std::byte* const data = slot.data();
  EXPECT_FALSE(slot.fit({5, 2}, 40));
  EXPECT_EQ(slot.data(), data);
  EXPECT_EQ(slot.shape(), (std::vector<std::int32_t>{5, 2}));
  const std::shared_ptr<void> kept = slot.owner();
  EXPECT_TRUE(slot.fit({5, 3}, 60));
  EXPECT_NE(slot.data(), data) << "the old memory is still held, as by a view";
}

TEST(TensorSlotTest, TakesTheCallersMemoryAndGivesItBack) {
  TensorSlot slot(0, ElementType::float32);
  slot.fit({4}, 16);
  std::shared_ptr<AlignedBuffer> memory = AlignedBuffer::allocate(16);
  std::byte* const data = memory->data();
  const std::weak_ptr<AlignedBuffer> watch = memory;
  slot.bind(data, std::move(memory));
  EXPECT_TRUE(slot.is_bound());
  EXPECT_EQ(slot.data(), data);
  EXPECT_FALSE(watch.expired());
  slot.unbind();
  EXPECT_FALSE(slot.is_bound());
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(slot.size(), 16U);
  std::byte* const own = slot.data();
  slot.unbind();
  EXPECT_EQ(slot.data(), own) << "its own memory is not exchanged";
}

TEST(TensorSlotTest, ABoundSlotOfAnotherSizeGoesBackToItsOwnMemory) {
  TensorSlot slot(0, ElementType::float32);
  slot.fit({4}, 16);
  std::shared_ptr<AlignedBuffer> memory = AlignedBuffer::allocate(16);
  slot.bind(memory->data(), memory);
  EXPECT_TRUE(slot.fit({5}, 20));
  EXPECT_FALSE(slot.is_bound());
}

TEST(TensorSlotTest, IsRegisteredOnceUntilItChanges) {
  TensorSlot slot(0, ElementType::float32);
  slot.fit({4}, 16);
  auto* const first = slot.registration();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(slot.registration(), first);
  EXPECT_EQ(slot.output_registration(), first);
  std::shared_ptr<AlignedBuffer> memory = AlignedBuffer::allocate(16);
  slot.bind(memory->data(), memory);
  EXPECT_NE(slot.registration(), nullptr);
}

TEST(TensorSlotTest, WhatHasNoBytesOrTooManyDimensionsIsNoInputRegistration) {
  TensorSlot empty(0, ElementType::float32);
  empty.fit({0, 3}, 0);
  EXPECT_EQ(empty.registration(), nullptr);
  EXPECT_NE(empty.output_registration(), nullptr) << "a run insists on a buffer for every output";
  TensorSlot high(0, ElementType::float32);
  high.fit(std::vector<std::int32_t>(9, 1), 4);
  EXPECT_EQ(high.registration(), nullptr);
  EXPECT_NE(high.output_registration(), nullptr);
}

TEST(TensorSlotTest, RegistersTypesWhoseSizeTheRuntimeDoesNotKnow) {
  for (const ElementType type : {ElementType::string, ElementType::complex128, ElementType::int4}) {
    TensorSlot slot(0, type);
    slot.fit({2}, 4096);
    EXPECT_NE(slot.registration(), nullptr) << name_of(type);
  }
}

}  // namespace
}  // namespace zerolite::tests

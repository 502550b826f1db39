#include "zerolite/execution/tensor_binding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "zerolite/platform/aligned_buffer.hpp"

namespace zerolite::tests {
namespace {

TEST(TensorBindingTest, IsFilledWithZerosWhenItIsFitted) {
  TensorBinding binding(3, ElementType::float32);
  EXPECT_EQ(binding.owner(), nullptr);
  EXPECT_TRUE(binding.fit({2, 5}, 40));
  EXPECT_EQ(binding.tensor_index(), 3);
  EXPECT_EQ(binding.size(), 40U);
  EXPECT_EQ(binding.shape(), (std::vector<std::int32_t>{2, 5}));
  EXPECT_TRUE(is_aligned(binding.data()));
  EXPECT_TRUE(std::ranges::all_of(binding.bytes(), [](std::byte byte) { return byte == std::byte{0}; }));
  EXPECT_FALSE(binding.is_bound());
}

TEST(TensorBindingTest, KeepsMemoryOfTheRightSize) {
  TensorBinding binding(0, ElementType::float32);
  binding.fit({2, 5}, 40);
  std::byte* const data = binding.data();
  EXPECT_FALSE(binding.fit({5, 2}, 40));
  EXPECT_EQ(binding.data(), data);
  EXPECT_EQ(binding.shape(), (std::vector<std::int32_t>{5, 2}));
  const std::shared_ptr<void> kept = binding.owner();
  EXPECT_TRUE(binding.fit({5, 3}, 60));
  EXPECT_NE(binding.data(), data) << "the old memory is still held, as by a view";
}

TEST(TensorBindingTest, TakesTheCallersMemoryAndGivesItBack) {
  TensorBinding binding(0, ElementType::float32);
  binding.fit({4}, 16);
  std::shared_ptr<AlignedBuffer> memory = AlignedBuffer::allocate(16);
  std::byte* const data = memory->data();
  const std::weak_ptr<AlignedBuffer> watch = memory;
  binding.bind(data, std::move(memory));
  EXPECT_TRUE(binding.is_bound());
  EXPECT_EQ(binding.data(), data);
  EXPECT_FALSE(watch.expired());
  binding.unbind();
  EXPECT_FALSE(binding.is_bound());
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(binding.size(), 16U);
  std::byte* const own = binding.data();
  binding.unbind();
  EXPECT_EQ(binding.data(), own) << "its own memory is not exchanged";
}

TEST(TensorBindingTest, ABoundOneOfAnotherSizeGoesBackToItsOwnMemory) {
  TensorBinding binding(0, ElementType::float32);
  binding.fit({4}, 16);
  std::shared_ptr<AlignedBuffer> memory = AlignedBuffer::allocate(16);
  binding.bind(memory->data(), memory);
  EXPECT_TRUE(binding.fit({5}, 20));
  EXPECT_FALSE(binding.is_bound());
}

TEST(TensorBindingTest, IsRegisteredOnceUntilItChanges) {
  TensorBinding binding(0, ElementType::float32);
  binding.fit({4}, 16);
  auto* const first = binding.registration();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(binding.registration(), first);
  EXPECT_EQ(binding.output_registration(), first);
  std::shared_ptr<AlignedBuffer> memory = AlignedBuffer::allocate(16);
  binding.bind(memory->data(), memory);
  EXPECT_NE(binding.registration(), nullptr);
}

TEST(TensorBindingTest, WhatHasNoBytesOrTooManyDimensionsIsNoInputRegistration) {
  TensorBinding empty(0, ElementType::float32);
  empty.fit({0, 3}, 0);
  EXPECT_EQ(empty.registration(), nullptr);
  EXPECT_NE(empty.output_registration(), nullptr) << "a run insists on a buffer for every output";
  TensorBinding high(0, ElementType::float32);
  high.fit(std::vector<std::int32_t>(9, 1), 4);
  EXPECT_EQ(high.registration(), nullptr);
  EXPECT_NE(high.output_registration(), nullptr);
}

TEST(TensorBindingTest, RegistersTypesWhoseSizeTheRuntimeDoesNotKnow) {
  for (const ElementType type : {ElementType::string, ElementType::complex128, ElementType::int4}) {
    TensorBinding binding(0, type);
    binding.fit({2}, 4096);
    EXPECT_NE(binding.registration(), nullptr) << name_of(type);
  }
}

}  // namespace
}  // namespace zerolite::tests

#include "zerolite/tensor/affine_quantization.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace zerolite {
namespace {

using Shape = std::vector<std::int32_t>;

std::vector<std::int8_t> quantized(const std::vector<float>& real, const Quantization& quantization, const Shape& shape,
                                   ElementType type = ElementType::int8) {
  std::vector<std::int8_t> stored(real.size());
  EXPECT_TRUE(quantize(real, type, quantization, shape, std::as_writable_bytes(std::span(stored))));
  return stored;
}

TEST(AffineQuantization, RoundsHalvesAwayFromZeroAndSaturates) {
  const Quantization quantization{{0.5F}, {3}, 0};
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> real = {0.25F, -0.25F, 0.2F, 1e30F, -infinity, 61.9F};
  EXPECT_EQ(quantized(real, quantization, {6}), (std::vector<std::int8_t>{4, 2, 3, 127, -128, 127}));
}

TEST(AffineQuantization, IntegersBelowEightBitsSaturateWhereTheyEnd) {
  const Quantization quantization{{1.0F}, {0}, 0};
  EXPECT_EQ(quantized({-9, 9}, quantization, {2}, ElementType::int4), (std::vector<std::int8_t>{-8, 7}));
  EXPECT_EQ(quantized({-9, 9}, quantization, {2}, ElementType::int2), (std::vector<std::int8_t>{-2, 1}));
  EXPECT_EQ(quantized({-9, 99}, quantization, {2}, ElementType::uint4), (std::vector<std::int8_t>{0, 15}));
}

TEST(AffineQuantization, EachSliceHasItsScale) {
  const Quantization quantization{{1.0F, 2.0F}, {0, 10}, 1};
  const std::vector<float> real = {1, 2, 4, 8, -1, -2, -4, -8};
  const std::vector<std::int8_t> stored = quantized(real, quantization, {2, 2, 2});
  EXPECT_EQ(stored, (std::vector<std::int8_t>{1, 2, 12, 14, -1, -2, 8, 6}));
  std::vector<float> back(real.size());
  dequantize(std::as_bytes(std::span(stored)), ElementType::int8, quantization, Shape{2, 2, 2}, back);
  EXPECT_EQ(back, real);
}

TEST(AffineQuantization, NoIntegerStandsForNan) {
  std::array<float, 2> real = {1.0F, std::nanf("")};
  std::array<std::byte, 2> stored = {std::byte{7}, std::byte{7}};
  EXPECT_FALSE(quantize(real, ElementType::int8, {{1.0F}, {0}, 0}, Shape{2}, stored));
  EXPECT_EQ(stored[0], std::byte{7});
}

TEST(AffineQuantization, WideIntegersSaturate) {
  const std::array<float, 3> real = {3e9F, -3e9F, 2.5F};
  std::array<std::int32_t, 3> stored{};
  EXPECT_TRUE(
      quantize(real, ElementType::int32, {{1.0F}, {0}, 0}, Shape{3}, std::as_writable_bytes(std::span(stored))));
  EXPECT_EQ(stored, (std::array<std::int32_t, 3>{2147483647, -2147483647 - 1, 3}));
}

TEST(AffineQuantization, ParametersHaveToFitTheTensor) {
  const Shape shape = {2, 3};
  EXPECT_TRUE(can_be_quantized(ElementType::int8, {{1, 1, 1}, {0, 0, 0}, 1}, shape));
  EXPECT_FALSE(can_be_quantized(ElementType::int8, {{1, 1, 1}, {0, 0, 0}, 0}, shape));
  EXPECT_FALSE(can_be_quantized(ElementType::int8, {{1, 1, 1}, {0, 0, 0}, 2}, shape));
  EXPECT_FALSE(can_be_quantized(ElementType::int8, {{1, 1, 1}, {0, 0, 0}, -1}, shape));
  EXPECT_FALSE(can_be_quantized(ElementType::int8, {{0}, {0}, 0}, shape));
  EXPECT_FALSE(can_be_quantized(ElementType::int8, {{1}, {}, 0}, shape));
  EXPECT_FALSE(can_be_quantized(ElementType::float32, {{1}, {0}, 0}, shape));
}

}  // namespace
}  // namespace zerolite

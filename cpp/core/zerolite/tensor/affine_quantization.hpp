// Real numbers as the integers of a quantized tensor, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "zerolite/tensor/element_type.hpp"
#include "zerolite/tensor/tensor_spec.hpp"

namespace zerolite {

// Whether values of this type, with these parameters and of this shape, are read and written here: integers, and as
// many slices along the axis as there are scales.
bool can_be_quantized(ElementType type, const Quantization& quantization, std::span<const std::int32_t> shape);

// As TensorFlow Lite's kernel of QUANTIZE: divided in float32, rounded to the nearest integer, halves away from zero,
// and saturated. False when a number is NaN, for which no integer stands; then nothing is written. Needs
// can_be_quantized(). Integers below 8 bits take a byte each in `stored`.
[[nodiscard]] bool quantize(std::span<const float> real, ElementType type, const Quantization& quantization,
                            std::span<const std::int32_t> shape, std::span<std::byte> stored);

// As TensorFlow Lite's kernel of DEQUANTIZE: multiplied in float64. Needs can_be_quantized().
void dequantize(std::span<const std::byte> stored, ElementType type, const Quantization& quantization,
                std::span<const std::int32_t> shape, std::span<float> real);

}  // namespace zerolite

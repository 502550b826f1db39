// The element types of tensors. The values are the runtime's (and TensorFlow Lite's) own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace zerolite {

enum class ElementType : int {
  none = 0,
  float32 = 1,
  int32 = 2,
  uint8 = 3,
  int64 = 4,
  string = 5,
  boolean = 6,
  int16 = 7,
  complex64 = 8,
  int8 = 9,
  float16 = 10,
  float64 = 11,
  complex128 = 12,
  uint64 = 13,
  resource = 14,
  variant = 15,
  uint32 = 16,
  uint16 = 17,
  int4 = 18,
  bfloat16 = 19,
  int2 = 20,
  uint4 = 21,
  float8_e4m3fn = 22,
  float8_e5m2 = 23,
};

// The name as NumPy and ml_dtypes spell it: "float32", "int4", "bfloat16", "string".
std::string_view name_of(ElementType type);

// Bits an element takes in a tensor's memory; elements under 8 bits are packed, the first in the lowest bits.
// Empty for the types that have no fixed size: string, resource, variant, none.
std::optional<std::size_t> bits_of(ElementType type);

// Whether elements share bytes (int4, uint4, int2).
inline bool is_packed(ElementType type) {
  const std::optional<std::size_t> bits = bits_of(type);
  return bits.has_value() && *bits < 8;
}

// Bytes that a tensor of this shape takes. Empty for types without a fixed size, for negative dimensions and
// for a product that does not fit into std::ptrdiff_t.
std::optional<std::size_t> byte_size(ElementType type, std::span<const std::int32_t> shape);

}  // namespace zerolite

#include "zerolite/tensor/element_type.hpp"

#include <limits>

namespace zerolite {

std::string_view name_of(ElementType type) {
  switch (type) {
    case ElementType::none:
      return "none";
    case ElementType::float32:
      return "float32";
    case ElementType::int32:
      return "int32";
    case ElementType::uint8:
      return "uint8";
    case ElementType::int64:
      return "int64";
    case ElementType::string:
      return "string";
    case ElementType::boolean:
      return "bool";
    case ElementType::int16:
      return "int16";
    case ElementType::complex64:
      return "complex64";
    case ElementType::int8:
      return "int8";
    case ElementType::float16:
      return "float16";
    case ElementType::float64:
      return "float64";
    case ElementType::complex128:
      return "complex128";
    case ElementType::uint64:
      return "uint64";
    case ElementType::resource:
      return "resource";
    case ElementType::variant:
      return "variant";
    case ElementType::uint32:
      return "uint32";
    case ElementType::uint16:
      return "uint16";
    case ElementType::int4:
      return "int4";
    case ElementType::bfloat16:
      return "bfloat16";
    case ElementType::int2:
      return "int2";
    case ElementType::uint4:
      return "uint4";
    case ElementType::float8_e4m3fn:
      return "float8_e4m3fn";
    case ElementType::float8_e5m2:
      return "float8_e5m2";
  }
  return "unknown";
}

std::optional<std::size_t> bits_of(ElementType type) {
  switch (type) {
    case ElementType::int2:
      return 2;
    case ElementType::int4:
    case ElementType::uint4:
      return 4;
    case ElementType::boolean:
    case ElementType::int8:
    case ElementType::uint8:
    case ElementType::float8_e4m3fn:
    case ElementType::float8_e5m2:
      return 8;
    case ElementType::int16:
    case ElementType::uint16:
    case ElementType::float16:
    case ElementType::bfloat16:
      return 16;
    case ElementType::int32:
    case ElementType::uint32:
    case ElementType::float32:
      return 32;
    case ElementType::int64:
    case ElementType::uint64:
    case ElementType::float64:
    case ElementType::complex64:
      return 64;
    case ElementType::complex128:
      return 128;
    case ElementType::none:
    case ElementType::string:
    case ElementType::resource:
    case ElementType::variant:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::size_t> byte_size(ElementType type, std::span<const std::int32_t> shape) {
  const std::optional<std::size_t> bits = bits_of(type);
  if (!bits) return std::nullopt;
  constexpr auto kLimit = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 8;
  std::size_t total = *bits;
  bool empty = false;
  for (const std::int32_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    if (dimension == 0) {
      empty = true;
      continue;
    }
    if (total > kLimit / static_cast<std::size_t>(dimension)) return std::nullopt;
    total *= static_cast<std::size_t>(dimension);
  }
  return empty ? 0 : (total + 7) / 8;
}

}  // namespace zerolite

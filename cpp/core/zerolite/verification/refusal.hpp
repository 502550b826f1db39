// How the checks of a file refuse it: in a message of texts, numbers, shapes and the names of types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "zerolite/platform/error.hpp"
#include "zerolite/tensor/element_type.hpp"
#include "zerolite/tensor/tensor_spec.hpp"

namespace zerolite {

inline std::string in_message(std::string_view text) { return std::string(text); }
inline std::string in_message(ElementType type) { return std::string(name_of(type)); }
inline std::string in_message(const std::vector<std::int32_t>& shape) { return to_string(shape); }
template <typename Number>
requires std::is_arithmetic_v<Number> std::string in_message(Number number) { return std::to_string(number); }

// Base of a check, which tells by `who()` what it looks at.
template <typename Check>
class Refusing {
 public:
  // Throws InvalidModelError.
  template <typename... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    throw InvalidModelError(static_cast<const Check&>(*this).who() + (in_message(parts) + ...));
  }
  template <typename... Parts>
  void require(bool sound, const Parts&... parts) const {
    if (!sound) refuse(parts...);
  }

 private:
  friend Check;
  Refusing() = default;
};

}  // namespace zerolite

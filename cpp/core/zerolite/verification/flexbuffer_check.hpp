// Whether the settings of a custom operator, a FlexBuffer, can be read by a reader that does not look where it reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zerolite::flexbuffer {

// What is wrong with a FlexBuffer that should be a map from names to numbers, or to vectors of them;
// nothing when it is one.
std::optional<std::string> unsound_settings(std::span<const std::byte> bytes);

// A setting as the runtime reads it for an integer of 32 bits; nothing for one that is missing, null or a fraction.
// Throws InvalidModelError where `unsound_settings` says what is wrong.
std::optional<std::int64_t> integer_setting(std::span<const std::byte> bytes, std::string_view name);

}  // namespace zerolite::flexbuffer

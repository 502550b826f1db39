// Whether the settings of a custom operator, a FlexBuffer, can be read by a reader that does not look where it reads.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace zerolite::flexbuffer {

// What is wrong with a FlexBuffer that should be a map from names to numbers; nothing when it is one.
std::optional<std::string> unsound_settings(std::span<const std::byte> bytes);

}  // namespace zerolite::flexbuffer

// Whether the lists of a sparse tensor lead to places within it, and to values that are stored.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "zerolite/model/model_contents.hpp"

namespace zerolite {

// How many values a sparse tensor of this shape stores. Throws InvalidModelError, which begins with `who`, for lists
// that contradict the shape or one another.
std::size_t count_stored_values(const Sparsity& sparsity, std::span<const std::int32_t> shape, const std::string& who);

}  // namespace zerolite

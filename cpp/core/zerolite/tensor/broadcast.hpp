// Whether shapes can be broadcast with one another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace zerolite {

// Of dimensions, of which the last ones stand for one another: they are the same, or one of them is 1.
template <typename Dimension>
bool can_be_broadcast(std::span<const Dimension> left, std::span<const Dimension> right) {
  const std::size_t common = std::min(left.size(), right.size());
  return std::ranges::equal(left.last(common), right.last(common),
                            [](Dimension one, Dimension other) { return one == other || one == 1 || other == 1; });
}

}  // namespace zerolite

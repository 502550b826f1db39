// Whether the builtin operators get what their kernels rely on.
#pragma once

#include <cstddef>

#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

// Throws InvalidModelError. The operands' indices are known to be sound.
void check_operator(const SubgraphView& graph, std::size_t index);

}  // namespace zerolite

// Shapes of operands that kernels read beyond or end the process for (2.3.0).
#pragma once

#include <cstddef>

#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

// Throws InvalidModelError, which names the operator.
void check_operand_shapes(const GraphView& graph, std::size_t index);

}  // namespace zerolite

// Whether a tensor's shape, values, quantization and sparsity go together.
#pragma once

#include <cstddef>

#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

// Throws InvalidModelError.
void check_tensor(const SubgraphView& graph, std::size_t index);

}  // namespace zerolite

// Whether what is read from a variable is as much as what is stored in it, and of the type that kernels take it for.
#pragma once

#include <cstddef>

#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/model_interface.hpp"
#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

// Throws InvalidModelError for an operator that reads more than a variable holds, since the runtime copies as many
// bytes as the output has, and for two that write different sizes, since XNNPACK keeps memory for one (LiteRT 2.3.0).
// Operators have their operands.
void check_variables(const ModelInterface& interface, const ModelContents& contents);

// Throws InvalidModelError for a recurrent operator whose state, or weights that go with it, have another type than its
// kernel computes with: the kernel does not look, and writes past the end of a state of smaller elements
// (LiteRT 2.3.0).
void check_state_types(const SubgraphView& graph, std::size_t index);

}  // namespace zerolite

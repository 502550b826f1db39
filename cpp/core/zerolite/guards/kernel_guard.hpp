// Checks of the values and shapes that builtin kernels believe without a look, and end the process over (LiteRT 2.3.0).
//
// They come with a run, from the program's user or from other operators, so no check of the file can find them; see
// kernel_check.hpp. The nodes of a captured graph are the runtime's own: those that need it get a check in the place
// of their kernel, which calls the kernel, leaves it out where there is nothing to compute, or refuses. It stays there
// in direct and in regular runs alike.
#pragma once

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// Puts the checks before the kernels of the graph's plan. It takes no memory, and may come again for the same graph.
void guard_kernels(const CapturedGraph& graph) noexcept;

}  // namespace zerolite

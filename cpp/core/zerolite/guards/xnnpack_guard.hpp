// What XNNPACK believes of the shapes that a run or a resize brings (LiteRT 2.3.0): that they have at most six
// dimensions, for which it has room, and that the operands of scaled dot product attention fit one another.
#pragma once

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// Puts a check before the preparation of a node of XNNPACK's; does nothing for all others. Shapes within the node are
// XNNPACK's own, and are not checked. It takes no memory, and may come again for the same node.
void guard_xnnpack(const CapturedGraph& graph, const PlannedNode& planned) noexcept;

}  // namespace zerolite

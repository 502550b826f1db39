// The check of scaled dot product attention, which XNNPACK computes as part of a node of its own: it believes the
// shapes of the operands, and computes something of shapes that don't fit one another (LiteRT 2.3.0).
#pragma once

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// Puts a check before the preparation of a node of XNNPACK's that has such an operator; does nothing for all others.
// Shapes within the node are XNNPACK's own, and are not checked. It takes no memory, and may come again for the same
// node.
void guard_attention(const CapturedGraph& graph, const PlannedNode& planned) noexcept;

}  // namespace zerolite

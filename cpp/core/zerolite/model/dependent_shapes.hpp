// Tensors whose shape is decided by values that only a run knows.
#pragma once

#include <cstdint>
#include <set>

#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

// Those of a subgraph whose shape follows from the values of its inputs, of variables or of what is drawn by chance.
// Shapes of inputs alone decide none of them, nor do constants. What other subgraphs make of a shape is not followed.
// Operators have their operands, and stand in an order in which they can run.
// With ShapeSources::shapes_too a shape that is computed, as SHAPE does it, counts as a value that only a run knows.
enum class ShapeSources { values, shapes_too };
std::set<std::int32_t> tensors_of_dependent_shape(const SubgraphView& graph,
                                                  ShapeSources sources = ShapeSources::values);

}  // namespace zerolite

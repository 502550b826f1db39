// Whether a run may compute an output into the memory of an input.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// Why not, as a text for the user; empty where the plan proves it: all reading of the inputs comes before the first
// writing of the output, or comes to it in an operator whose kernel is declared to work in place. The inputs are all
// that have the memory, and of the output's size. What lies between inputs and outputs never has their memory: the
// runtime's planner leaves both out when it lets tensors share some (LiteRT 2.3.0).
[[nodiscard]] std::string in_place_obstacle(const CapturedGraph& graph, std::span<const std::int32_t> inputs,
                                            std::int32_t output);

}  // namespace zerolite

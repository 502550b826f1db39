// Operators that a run would come to and that nothing here computes.
//
// The runtime prepares a graph until it meets the first operator without a kernel, and names that one only. Others it
// knows by name only, and fails when they run (LiteRT 2.3.0).
#pragma once

#include <cstddef>
#include <string>

#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/operators/custom_operators.hpp"

namespace zerolite {

// All of them with their counts, as an error says it, in a subgraph and in those that its operators run, after the
// runtime was asked to prepare it; empty for none. The custom operators
// are those that have kernels of the user's, or null.
std::string missing_kernels(const Model& model, const GraphObserver& observer, std::size_t subgraph,
                            const CustomOperators* custom_operators);

// Likewise in all subgraphs of a model that the runtime could not compile. What delegates would have taken counts too.
std::string missing_kernels(const Model& model, const CustomOperators* custom_operators);

// Whether a model has operators that are known by name only, so that one that was prepared need not run.
bool has_operators_by_name_only(const Model& model);

}  // namespace zerolite

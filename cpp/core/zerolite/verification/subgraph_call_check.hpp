// Subgraphs that operators run: branches, loops and initializers.
#pragma once

#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

// Throws InvalidModelError for an operator that names no subgraph of the model, and for one that runs itself: the
// runtime prepares the subgraphs of an operator with it, without an end (2.3.0).
void check_calls(const ModelInterface& interface, const ModelContents& contents);

}  // namespace zerolite

// Whether what is read from a variable is as much as what is stored in it.
#pragma once

#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

// Throws InvalidModelError for an operator that reads more than a variable holds, since the runtime copies as many
// bytes as the output has, and for two that write different sizes, since XNNPACK keeps memory for one (LiteRT 2.3.0).
// Operators have their operands.
void check_variables(const ModelInterface& interface, const ModelContents& contents);

}  // namespace zerolite

// Shapes of operands, and attributes that say how they fit, that kernels read beyond or end the process for (2.3.0).
#pragma once

#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {

// Throws InvalidModelError, which names the operator.
void check_operand_shapes(const CheckedOperator& operation);

}  // namespace zerolite

// Operators that are known by a name of their own: custom ones that the runtime brings, and what XNNPACK takes.
#pragma once

#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {

// Custom operators whose settings kernels of the runtime read. Throws InvalidModelError.
void check_custom(const CheckedOperator& operation);

// Scaled dot product attention, as a custom operator or as a StableHLO composite: XNNPACK reads operands, dimensions
// and attributes of it without looking whether they are there, while it is loaded (LiteRT 2.3.0). Does nothing for all
// other operators. Throws InvalidModelError.
void check_attention(const CheckedOperator& operation);

}  // namespace zerolite

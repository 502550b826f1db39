// Scales of an operator's tensors that kernels can't turn into fixed-point multipliers or tables (2.3.0).
#pragma once

#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {

// Throws InvalidModelError, which names the operator.
void check_quantized_operator(const CheckedOperator& operation);

}  // namespace zerolite

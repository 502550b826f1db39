// The attributes of STABLEHLO_GATHER, by which its kernel computes places in memory and does not check them (2.3.0).
#pragma once

#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {

// Throws InvalidModelError, which names the operator.
void check_gather(const CheckedOperator& operation);

}  // namespace zerolite

// What kernels take for granted in single operands and in two that have to agree, as rows of tables.
#pragma once

#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {

// Throws InvalidModelError, which names the operator.
void check_operand_table(const CheckedOperator& operation);

}  // namespace zerolite

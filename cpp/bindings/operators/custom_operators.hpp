// The custom operators that Python gives to a model.
#pragma once

#include <memory>
#include <vector>

#include "zerolite/operators/custom_operators.hpp"

namespace zerolite::bindings {

// Null for none, which is what most models get.
std::shared_ptr<CustomOperators> custom_operators(const std::vector<CustomOperator>& operators);

}  // namespace zerolite::bindings

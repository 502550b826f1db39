// A node that the program's own function computes.
#pragma once

#include <memory>
#include <string>

#include "litert_abi/tflite.hpp"
#include "zerolite/operators/host_kernel.hpp"
#include "zerolite/operators/running_function.hpp"

namespace zerolite {

// The kernel of nodes whose user_data is what `make_function_node` returns.
abi::tflite::Registration function_kernel();

// Freed by the registration's `free`. Null when memory has run out.
void* make_function_node(const std::string& name, const std::shared_ptr<const HostKernel>& kernel,
                         const std::shared_ptr<const LockOfModel>& lock) noexcept;

}  // namespace zerolite

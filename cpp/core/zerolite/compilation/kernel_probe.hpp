// Asking the runtime whether it has a kernel for an operator, with a model that has nothing else.
#pragma once

#include <string_view>

#include "litert_abi/tflite.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

enum class Kernel {
  present,
  name_only,  // a stand-in, which prepares and fails when it runs: some delegate is to take the operator
  missing,
};

// Whether the runtime knows a custom operator for its accelerators only: its name may have a stand-in for a kernel.
bool is_known_by_name_only(std::string_view name);

// Of a node that no delegate took.
Kernel kernel_of(const abi::tflite::Registration& registration);

// Of a builtin operator in one version, or a custom one by its name.
Kernel probe_kernel(const OperatorCode& code);

}  // namespace zerolite

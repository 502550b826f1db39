// A Python function as the kernel of a custom operator.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "zerolite/operators/host_kernel.hpp"

namespace zerolite::bindings {

struct PythonFunction {
  pybind11::object call;
  bool takes_options = false;  // as the argument of that name
};

// `shapes` makes shapes of the outputs of those of the inputs, or is None. The kernel may be let go with or without the
// GIL.
std::shared_ptr<const HostKernel> function_kernel(PythonFunction function, PythonFunction shapes);

}  // namespace zerolite::bindings

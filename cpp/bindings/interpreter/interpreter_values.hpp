// The values of the interpreter's tensors, in the general way: any tensor of any subgraph, any kind of value.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

#include "interpreter/interpreter_object.hpp"

namespace zerolite::bindings {

// Throws ValueError for a dtype, a shape or a value that the tensor can't take.
void set_tensor_value(InterpreterObject& interpreter, std::ptrdiff_t index, pybind11::handle value,
                      std::ptrdiff_t subgraph);
// A copy of the values; a NumPy scalar for numbers without dimensions. Throws ValueError for a tensor without values.
pybind11::object get_tensor_value(InterpreterObject& interpreter, std::ptrdiff_t index, std::ptrdiff_t subgraph);
// An array over the values themselves where the memory outlives its use by the runtime, as that of inputs and outputs
// does; a read-only copy else.
pybind11::object view_tensor_value(InterpreterObject& interpreter, std::ptrdiff_t index, std::ptrdiff_t subgraph);

}  // namespace zerolite::bindings

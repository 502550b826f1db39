// The calls of a TFLite program's loop, on CPython's and NumPy's C API: see vectorcall.hpp.
#pragma once

#include <pybind11/pybind11.h>

namespace zerolite::bindings {

// Puts `set_tensor`, `invoke` and `get_tensor` onto a class of InterpreterObjects that is being made.
void add_interpreter_methods(PyHeapTypeObject* type);

}  // namespace zerolite::bindings

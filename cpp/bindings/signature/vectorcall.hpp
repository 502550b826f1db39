// The calls that people make between two inferences, on CPython's and NumPy's C API: pybind11's dispatcher
// would cost a small model more than its run.
#pragma once

#include <pybind11/pybind11.h>

namespace zerolite::bindings {

// Puts `run` and the call itself onto a class of SignatureObjects that is being made.
void add_vectorcall(PyHeapTypeObject* type);

}  // namespace zerolite::bindings

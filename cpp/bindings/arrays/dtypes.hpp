// Element types as NumPy dtypes.
#pragma once

#include <pybind11/pybind11.h>

#include "zerolite/tensor/element_type.hpp"

namespace zerolite::bindings {

// bfloat16, the 8-bit floats and the packed integers are ml_dtypes' (which is imported at the first of them);
// strings are objects. Throws Error for types that have no dtype.
pybind11::object dtype_of(ElementType type);

}  // namespace zerolite::bindings

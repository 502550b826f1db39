#define ZEROLITE_IMPORTS_NUMPY
#include "arrays/numpy_api.hpp"

namespace zerolite::bindings {

// A cross-build that finds the headers of the machine it runs on would compile, and read every shape wrongly.
static_assert(NPY_SIZEOF_PY_INTPTR_T == sizeof(void*), "these are the NumPy headers of another architecture");

void import_numpy() {
  if (_import_array() < 0) throw pybind11::error_already_set();
}

}  // namespace zerolite::bindings

#define ZEROLITE_IMPORTS_NUMPY
#include "numpy_api.hpp"

namespace zerolite::bindings {

void import_numpy() {
  if (_import_array() < 0) throw pybind11::error_already_set();
}

}  // namespace zerolite::bindings

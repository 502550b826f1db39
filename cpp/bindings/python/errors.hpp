// From C++ exceptions to Python ones.
#pragma once

#include <pybind11/pybind11.h>

#include <stdexcept>

namespace zerolite::bindings {

// The call does not fit the signature: too many inputs, missing or unknown ones. Python's zl.ArgumentError,
// which is both a TypeError (as for any Python function) and a ValueError (as for a wrong name).
class ArgumentError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// Sets the Python error for the C++ exception that is being handled. For functions of the C API, which must
// not throw.
void set_python_error() noexcept;

// What such a function returns: null, with the Python error set, for an exception.
template <typename Function>
PyObject* translated(Function&& function) noexcept {
  try {
    return function();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

}  // namespace zerolite::bindings

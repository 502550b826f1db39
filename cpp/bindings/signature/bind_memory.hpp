// Binding the caller's memory to a tensor.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

#include "signature/signature_object.hpp"

namespace zerolite::bindings {

// Throws TypeError or ValueError, which say what a run would have to copy, or could not do, and how to mend
// it.
void bind_array(SignatureObject& signature, Side side, std::size_t index, const pybind11::object& memory);
void unbind_array(SignatureObject& signature, Side side, std::size_t index);

}  // namespace zerolite::bindings

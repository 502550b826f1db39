// Binding the caller's memory to a tensor.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <optional>

#include "signature/signature_object.hpp"

namespace zerolite::bindings {

// Throws TypeError or ValueError, which say what a run would have to copy, or could not do, and how to mend
// it.
void bind_array(SignatureObject& signature, Side side, std::size_t index, const pybind11::object& memory);
void unbind_array(SignatureObject& signature, Side side, std::size_t index);
// Lets an output of one run be an input of the next; without an output, ends that. Throws ValueError where they can't
// be one.
void carry_output(SignatureObject& signature, std::size_t input, std::optional<std::size_t> output);

}  // namespace zerolite::bindings

// The general way of a call: any kind of value for the inputs, by position, by name or as a mapping.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "signature/signature_object.hpp"

namespace zerolite::bindings {

// One output is returned as an array, several as a dict by name. `out` is an array for one output, a mapping
// by name for several, and is what is returned then. `timeout` is in seconds, where no input has that name; whoever has
// the request may stop the run, too.
pybind11::object call_signature(SignatureObject& signature, pybind11::handle args, pybind11::handle kwargs,
                                Numbers numbers = Numbers::stored,
                                const std::shared_ptr<const StopRequest>& stop = nullptr);

// Warns once, as Python's UserWarning, of inputs by position where nobody tells their order and a mistake would not be
// an error. `stack_level` counts from the Python code that is running, which is 1. Throws what the warning is turned
// into.
void warn_of_positions(SignatureObject& signature, int stack_level);
// The signature that runs such a call: this one, or what its chooser names; see SignatureObject::chooser.
pybind11::object chosen_signature(pybind11::handle self, const pybind11::tuple& args, const pybind11::dict& kwargs);
// Puts values into the inputs, by the rules of a call, and runs nothing.
void fill_inputs(SignatureObject& signature, pybind11::handle args, pybind11::handle kwargs);

}  // namespace zerolite::bindings

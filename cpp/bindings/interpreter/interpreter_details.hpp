// What the interpreter tells of tensors, operators and signatures, as tf.lite.Interpreter's dictionaries.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <vector>

#include "interpreter/interpreter_object.hpp"

namespace zerolite::bindings {

// Throws ValueError for a tensor that there is not, or that has no type.
pybind11::dict tensor_details(InterpreterObject& interpreter, std::ptrdiff_t index, std::ptrdiff_t subgraph);
// {key: {"inputs": {name: index}, "outputs": {name: index}}}, names in alphabetical order.
pybind11::dict signature_details(const InterpreterObject& interpreter);
// Of each of them, the subgraph that it runs.
std::vector<std::size_t> signature_subgraphs(const InterpreterObject& interpreter);
// [(builtin code, custom code or None, inputs, outputs)] of the main subgraph, with the nodes that delegates added.
pybind11::list node_details(InterpreterObject& interpreter);

}  // namespace zerolite::bindings

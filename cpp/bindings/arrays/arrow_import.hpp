// Columns of Arrow as arrays, where they lie: numbers, fixed-size lists of numbers, and tensors of fixed shape.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace zerolite::bindings {

bool speaks_arrow(pybind11::handle value);

// A read-only array over the column's memory, which it keeps alive; its leading axis counts the rows. Null for a column
// of anything else. Throws ValueError for one with nulls; `who` begins the message, such as "input 'x'".
pybind11::object array_of_arrow(pybind11::handle value, const std::string& who);

}  // namespace zerolite::bindings

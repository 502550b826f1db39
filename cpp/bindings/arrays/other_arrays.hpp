// Whatever holds numbers in memory of its own, as NumPy arrays without a copy.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace zerolite::bindings {

// An array over the memory of an array or tensor of another library, by the protocols of DLPack and Arrow, or of bytes.
// Null for anything else. Throws ValueError where the memory can't be read here or does not hold the values; `who`
// begins the message, such as "input 'x'".
pybind11::object array_of_other(pybind11::handle value, const std::string& who);

// The same for memory to write to or to keep, for which any buffer will do: the array is the memory itself.
pybind11::object array_over_memory(pybind11::handle value, const std::string& who);

}  // namespace zerolite::bindings

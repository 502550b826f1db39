// Numbers, lists and whatever else NumPy takes, as arrays of a tensor's dtype; and what is said where they can't be.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "signature/signature_object.hpp"

namespace zerolite::bindings {

// An array of the tensor's dtype with the same values: integers and truth values exactly, real numbers rounded as the
// dtype stores them. Throws TypeError for values of another kind and ValueError for one that the dtype can't hold.
// `who` begins the message, such as "input 'x'". Arrays are taken as they are and keep their dtype.
pybind11::object exactly_converted(const TensorInfo& tensor, pybind11::handle value, const std::string& who);

// How values of another dtype become the tensor's: the end of a message, which begins with "; ".
std::string conversion_advice(const TensorInfo& tensor, pybind11::handle dtype);

}  // namespace zerolite::bindings

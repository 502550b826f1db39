// Numbers, lists and whatever else NumPy takes, as arrays of a tensor's dtype; and what is said where they can't be.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "signature/signature_object.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::bindings {

// As str() gives it.
std::string text_of(pybind11::handle object);

// An array of the tensor's dtype with the same values: integers and truth values exactly, real numbers rounded as the
// dtype stores them. Throws TypeError for values of another kind and ValueError for one that the dtype can't hold.
// `who` begins the message, such as "input 'x'". NumPy arrays are taken as they are and keep their dtype; those of
// other libraries have to have the tensor's.
pybind11::object exactly_converted(const TensorInfo& tensor, pybind11::handle value, const std::string& who);

// How values of another dtype become the tensor's: the end of a message.
std::string conversion_advice(const TensorInfo& tensor, pybind11::handle dtype);

// Throws TypeError for an array of another dtype than the tensor's; `advice` gets the array's dtype, and ends the
// message.
template <typename Advice>
void require_dtype(const TensorInfo& tensor, pybind11::handle array, const std::string& who, const Advice& advice) {
  if (PyArray_EquivTypes(PyArray_DESCR(as_array(array)), tensor.descriptor()) != 0) return;
  const pybind11::object dtype = array.attr("dtype");
  throw TypeError(who + " has the dtype " + text_of(dtype) + ", and " + text_of(tensor.dtype) + " is expected" +
                  advice(dtype));
}

}  // namespace zerolite::bindings

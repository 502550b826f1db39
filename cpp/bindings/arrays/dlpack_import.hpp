// Tensors of other libraries by DLPack, where they lie: PyTorch's, JAX's, and those of whoever else speaks it.
#pragma once

#include <pybind11/pybind11.h>

#include <array_exchange/dlpack.hpp>
#include <string>

namespace zerolite::bindings {

bool speaks_dlpack(pybind11::handle value);

// An array over the tensor's memory, which it keeps alive; read-only where the library says so or does not tell. Null
// where the library does not give the tensor away or its type has no dtype. Throws ValueError for a tensor of a GPU,
// and for one whose memory does not hold its values; `who` begins the message, such as "input 'x'".
pybind11::object array_of_dlpack(pybind11::handle value, const std::string& who);

// How a library lends its tensors, without capsules. Calling it runs no Python code: only values of just the type that
// has the function are asked, no subclasses.
using LendTensor = int (*)(void* object, dlpack::Tensor* result);
// What is looked up for that. To be made before there are threads; see out_name in signature/vectorcall.cpp.
struct LenderNames {
  PyObject* exchange_table;
  PyObject* requires_grad;
};
const LenderNames& lender_names();
// Null, without an error set, where there is no such function, or where the tensor requires grad.
LendTensor lender_of(PyObject* value);

}  // namespace zerolite::bindings

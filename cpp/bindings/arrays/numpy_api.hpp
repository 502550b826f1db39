// NumPy's C API, whose function table lives in numpy_api.cpp and is shared by all files of the extension.
#pragma once

#include <pybind11/pybind11.h>

// NumPy asks for these names before its header.
#define PY_ARRAY_UNIQUE_SYMBOL zerolite_numpy_api
#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#ifndef ZEROLITE_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <numpy/arrayobject.h>
#pragma GCC diagnostic pop

namespace zerolite::bindings {

// Fills the function table. Throws the ImportError that NumPy raised.
void import_numpy();

inline PyArrayObject* as_array(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }
inline PyArrayObject* as_array(pybind11::handle object) { return as_array(object.ptr()); }

}  // namespace zerolite::bindings

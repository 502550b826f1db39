#include "arrays/other_arrays.hpp"

#include "arrays/arrow_import.hpp"
#include "arrays/dlpack_import.hpp"
#include "arrays/numpy_api.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// Of what Python programs write down most, none speaks a protocol.
bool is_number_or_list(PyObject* value) {
  return PyList_CheckExact(value) || PyTuple_CheckExact(value) || PyFloat_CheckExact(value) || PyLong_CheckExact(value);
}

py::object array_of_buffer(py::handle value) {
  const auto view = py::reinterpret_steal<py::object>(PyMemoryView_FromObject(value.ptr()));
  if (!view) throw py::error_already_set();
  return py::module_::import("numpy").attr("asarray")(view);
}

}  // namespace

py::object array_of_other(py::handle value, const std::string& who) {
  if (is_number_or_list(value.ptr())) return {};
  if (PyBytes_Check(value.ptr())) return array_of_buffer(value);  // of which NumPy would make one string
  if (speaks_arrow(value)) {
    if (py::object array = array_of_arrow(value, who)) return array;
  }
  return speaks_dlpack(value) ? array_of_dlpack(value, who) : py::object();
}

py::object array_over_memory(py::handle value, const std::string& who) {
  if (PyArray_Check(value.ptr())) return py::reinterpret_borrow<py::object>(value);
  if (py::object array = array_of_other(value, who)) return array;
  return PyObject_CheckBuffer(value.ptr()) != 0 ? array_of_buffer(value) : py::object();
}

}  // namespace zerolite::bindings

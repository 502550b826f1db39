#include "python/names.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

py::str owned(PyObject* text) {
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

}  // namespace

py::str name_as_str(std::string_view name) {
  return owned(PyUnicode_DecodeUTF8(name.data(), static_cast<Py_ssize_t>(name.size()), "replace"));
}

py::str path_as_str(std::string_view path) {
  return owned(PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
}

std::string path_bytes(py::handle path) {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), static_cast<void*>(&encoded)) == 0) throw py::error_already_set();
  return py::reinterpret_steal<py::bytes>(encoded);
}

}  // namespace zerolite::bindings

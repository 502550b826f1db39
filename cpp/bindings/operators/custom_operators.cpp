#include "operators/custom_operators.hpp"

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "operators/function_kernel.hpp"
#include "python/names.hpp"
#include "register.hpp"
#include "zerolite/operators/library_kernel.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

CustomOperator from_library(const std::string& name, const py::object& library, const std::string& symbol) {
  const std::string path = path_bytes(library);
  const py::gil_scoped_release release;  // a library may do anything while it is opened
  return {name, library_kernel(name, path, symbol)};
}

CustomOperator from_function(const std::string& name, py::object function, bool function_takes_options,
                             py::object shapes, bool shapes_take_options) {
  return {name,
          function_kernel({std::move(function), function_takes_options}, {std::move(shapes), shapes_take_options})};
}

}  // namespace

std::shared_ptr<CustomOperators> custom_operators(const std::vector<CustomOperator>& operators) {
  return operators.empty() ? nullptr : std::make_shared<CustomOperators>(operators);
}

void register_custom_operators(py::module_& module) {
  py::class_<CustomOperator>(module, "CustomOperator", "A kernel for the operators of one name.")
      .def_static("from_library", &from_library, py::arg("name"), py::arg("library"), py::arg("symbol"), py::pos_only())
      .def_static("from_function", &from_function, py::arg("name"), py::arg("function"),
                  py::arg("function_takes_options"), py::arg("shapes"), py::arg("shapes_take_options"), py::pos_only());
}

}  // namespace zerolite::bindings

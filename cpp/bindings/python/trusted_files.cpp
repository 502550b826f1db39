#include <pybind11/pybind11.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "register.hpp"
#include "zerolite/platform/trusted_file.hpp"

namespace py = pybind11;

namespace zerolite::bindings {

void register_trusted_files(py::module_& module) {
  module.def(
      "read_trusted",
      [](const std::string& path, std::size_t most) {
        std::vector<char> content;
        {
          const py::gil_scoped_release release;
          content = read_trusted(std::filesystem::path(path), most);
        }
        return py::bytes(content.data(), content.size());
      },
      py::arg("path"), py::arg("most"),
      "The first bytes of a file that nobody else can have written; PermissionError says why one is not believed.");
  module.def(
      "require_trusted_folder",
      [](const std::string& path) {
        const py::gil_scoped_release release;
        require_trusted_folder(std::filesystem::path(path));
      },
      py::arg("path"), "PermissionError says who else may put files into the folder.");
}

}  // namespace zerolite::bindings

#include <pybind11/pybind11.h>

#include <filesystem>
#include <string>

#include "register.hpp"
#include "zerolite/compilation/environment.hpp"
#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace py = pybind11;

namespace zerolite::bindings {

void register_runtime(py::module_& module) {
  module.def(
      "open_runtime",
      [](const std::string& path) {
        const py::gil_scoped_release release;
        RuntimeLibrary::open(std::filesystem::path(path));
      },
      py::arg("path"), "Opens libLiteRt.so; ImportError says what is wrong with it.");
  module.def(
      "runtime_path", [] { return RuntimeLibrary::get().path().string(); }, "The path of the library that is open.");
  module.def(
      "runtime_abi", [] { return RuntimeLibrary::get().abi_version(); },
      "What the open library says of the version of its interface; empty where it does not tell.");
  module.def(
      "runtime_series", [] { return std::string(RuntimeLibrary::get().series_name()); },
      "The series of the open library, as in \"2.3\"; empty for one whose inside is not known.");
  module.def(
      "runtime_has_ynnpack", [] { return RuntimeLibrary::get().has_ynnpack(); },
      "Whether YNNPACK is linked into the open library.");
  module.def(
      "log_level", [] { return static_cast<int>(runtime_log::level()); },
      "The least severity that is shown: 0 verbose, 1 info, 2 warning, 3 error, 4 silent.");
  module.def(
      "set_log_level",
      [](int level) {
        const py::gil_scoped_release release;
        runtime_log::set_level(static_cast<LogLevel>(level));
        Environment::set_runtime_log_level(static_cast<LogLevel>(level));
      },
      py::arg("level"), "Shows the runtime's messages of at least this severity on stderr.");
}

}  // namespace zerolite::bindings

#include <pybind11/pybind11.h>

#include "arrays/numpy_api.hpp"
#include "register.hpp"

PYBIND11_MODULE(_native, module) {
  module.doc() = "The native part of zerolite; use the package's own names instead.";
  module.attr("__version__") = ZEROLITE_VERSION;

  zerolite::bindings::import_numpy();
  zerolite::bindings::register_errors(module);
  zerolite::bindings::register_runtime(module);
  zerolite::bindings::register_trusted_files(module);
  zerolite::bindings::register_run_limits(module);
  zerolite::bindings::register_arrays(module);
  zerolite::bindings::register_tensor(module);
  zerolite::bindings::register_signature(module);
  zerolite::bindings::register_isolation(module);
  zerolite::bindings::register_delegate_settings(module);
  zerolite::bindings::register_custom_operators(module);
  zerolite::bindings::register_model(module);
  zerolite::bindings::register_contents(module);
  zerolite::bindings::register_batch(module);
  zerolite::bindings::register_graph_interpreter(module);
  zerolite::bindings::register_instrumentation(module);
}

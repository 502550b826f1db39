// What each file adds to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace zerolite::bindings {

void register_errors(pybind11::module_& module);
void register_run_limits(pybind11::module_& module);
void register_runtime(pybind11::module_& module);
void register_trusted_files(pybind11::module_& module);
void register_arrays(pybind11::module_& module);
void register_tensor(pybind11::module_& module);
void register_delegate_settings(pybind11::module_& module);
void register_custom_operators(pybind11::module_& module);
void register_signature(pybind11::module_& module);
void register_batch(pybind11::module_& module);
void register_graph_interpreter(pybind11::module_& module);
void register_model(pybind11::module_& module);
void register_contents(pybind11::module_& module);
void register_instrumentation(pybind11::module_& module);
void register_isolation(pybind11::module_& module);

}  // namespace zerolite::bindings

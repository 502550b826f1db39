#include "model/model_instance.hpp"

#include <pybind11/pybind11.h>

#include <utility>

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

void destroy(const CompiledModel* model) {
  if (Py_IsInitialized() != 0 && PyGILState_Check() != 0) {
    const py::gil_scoped_release release;
    delete model;
  } else {
    delete model;
  }
}

std::shared_ptr<CompiledModel> prepared(CompiledModel* model) {
  std::shared_ptr<CompiledModel> compiled(model, &destroy);
  compiled->prepare();
  return compiled;
}

}  // namespace

std::shared_ptr<CompiledModel> compile(std::shared_ptr<const Model> model, const CompileOptions& options) {
  return prepared(new CompiledModel(std::move(model), options));
}

std::shared_ptr<CompiledModel> compile(const CompiledModel& original, const CompileOptions& options) {
  return prepared(new CompiledModel(original, options));
}

}  // namespace zerolite::bindings

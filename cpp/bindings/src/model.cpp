#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "register.hpp"
#include "signature_object.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// A model acts as its default signature.
class ModelObject : public SignatureObject {
 public:
  explicit ModelObject(std::shared_ptr<CompiledModel> model)
      : SignatureObject(model, model->description().default_signature()) {}
};

// Compiled models are destroyed without the GIL: that can take a while, and may wait for the runtime's
// threads.
void destroy(const CompiledModel* model) {
  if (Py_IsInitialized() != 0 && PyGILState_Check() != 0) {
    const py::gil_scoped_release release;
    delete model;
  } else {
    delete model;
  }
}

std::shared_ptr<CompiledModel> compile(std::shared_ptr<const Model> model, const CompileOptions& options) {
  return {new CompiledModel(std::move(model), options), &destroy};
}

std::shared_ptr<ModelObject> load(const std::optional<std::string>& path, const std::optional<py::buffer>& content,
                                  const ModelObject* replica_of, const std::string& name, int threads,
                                  CpuKernels kernels, const std::string& weight_cache) {
  const CompileOptions options{threads, kernels, weight_cache};
  options.validate();
  std::shared_ptr<CompiledModel> model;
  if (replica_of != nullptr) {
    const py::gil_scoped_release release;
    model = compile(replica_of->model().model(), options);
  } else if (path) {
    const py::gil_scoped_release release;
    model = compile(std::make_shared<Model>(ModelBytes::read(*path)), options);
  } else {
    const py::buffer_info info = content.value_or(py::bytes()).request();
    const std::span bytes(static_cast<const std::byte*>(info.ptr),
                          static_cast<std::size_t>(info.size) * static_cast<std::size_t>(info.itemsize));
    const py::gil_scoped_release release;
    model = compile(std::make_shared<Model>(ModelBytes::copy(bytes, name)), options);
  }
  return std::make_shared<ModelObject>(std::move(model));
}

void close(ModelObject& object) {
  const py::gil_scoped_release release;
  const std::lock_guard lock(object.model().lock());
  object.model().close();
}

}  // namespace

void register_model(py::module_& module) {
  py::enum_<CpuKernels>(module, "CpuKernels", "Which kernels run on the CPU.")
      .value("delegate", CpuKernels::delegate)
      .value("builtin", CpuKernels::builtin)
      .value("reference", CpuKernels::reference);

  py::class_<ModelObject, SignatureObject, std::shared_ptr<ModelObject>>(module, "CompiledModel",
                                                                         "A model that is ready to run.")
      .def(py::init(&load), py::kw_only(), py::arg("path") = py::none(), py::arg("content") = py::none(),
           py::arg("replica_of") = py::none(), py::arg("name") = "model", py::arg("threads") = 1,
           py::arg("kernels") = CpuKernels::delegate, py::arg("weight_cache") = "")
      .def_property_readonly("name", [](const ModelObject& self) { return self.model().model()->name(); })
      .def_property_readonly("size", [](const ModelObject& self) { return self.model().model()->size(); })
      .def_property_readonly("threads", [](const ModelObject& self) { return self.model().options().threads; })
      .def_property_readonly("closed", [](const ModelObject& self) { return self.model().is_closed(); })
      .def("_signature_keys",
           [](const ModelObject& self) {
             std::vector<std::string> keys;
             for (const SignatureDescription& signature : self.model().description().signatures) {
               keys.push_back(signature.key);
             }
             return keys;
           })
      .def("close", &close);
}

}  // namespace zerolite::bindings

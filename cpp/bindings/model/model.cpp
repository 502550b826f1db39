#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/delegate_settings.hpp"
#include "model/model_instance.hpp"
#include "operators/custom_operators.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "python/names.hpp"
#include "register.hpp"
#include "signature/signature_object.hpp"
#include "signature/vectorcall.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/model/operators.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// A model acts as its default signature.
class ModelObject : public SignatureObject {
 public:
  explicit ModelObject(const std::shared_ptr<CompiledModel>& model)
      : SignatureObject(model, model->interface().default_signature()) {}
};

FileAccess file_access(std::optional<bool> map) {
  if (!map) return FileAccess::by_size;
  return *map ? FileAccess::mapped : FileAccess::copied;
}

std::shared_ptr<ModelObject> load(const std::optional<std::string>& path, const std::optional<py::buffer>& content,
                                  const py::object& replica_of, const std::string& name, std::optional<bool> map,
                                  const CpuSettings& cpu, std::vector<DelegateSettings> before_xnnpack,
                                  std::vector<DelegateSettings> after_xnnpack, bool fallback,
                                  const std::vector<CustomOperator>& operators, Verification verification) {
  CompileOptions options = cpu.options();
  options.before_xnnpack = std::move(before_xnnpack);
  options.after_xnnpack = std::move(after_xnnpack);
  options.fallback = fallback;
  options.custom_operators = custom_operators(operators);
  options.validate();
  std::shared_ptr<CompiledModel> model;
  if (!replica_of.is_none()) {
    const CompiledModel& original = native<SignatureObject>(replica_of).model();
    const py::gil_scoped_release release;
    model = compile(original, options);
  } else if (path) {
    const py::gil_scoped_release release;
    model = compile(load_model(ModelBytes::read(*path, file_access(map)), verification), options);
  } else {
    const py::buffer_info info = content.value_or(py::bytes()).request();
    const std::span bytes(static_cast<const std::byte*>(info.ptr),
                          static_cast<std::size_t>(info.size) * static_cast<std::size_t>(info.itemsize));
    const py::gil_scoped_release release;
    model = compile(load_model(ModelBytes::copy(bytes, name), verification), options);
  }
  return std::make_shared<ModelObject>(std::move(model));
}

void close(py::handle self) {
  auto& object = native<ModelObject>(self);
  const py::gil_scoped_release release;
  if (object.model().lock().is_lost()) return;
  std::vector<std::unique_ptr<SignatureRunner>> remains;
  {
    const std::scoped_lock lock(object.model().lock());
    remains = object.model().close();
  }
}

py::str name_of_model(py::handle self) { return path_as_str(native<ModelObject>(self).model().model()->name()); }

py::list signature_keys(py::handle self) {
  py::list keys;
  for (const SignatureDescription& signature : native<ModelObject>(self).model().interface().signatures) {
    keys.append(name_as_str(signature.key));
  }
  return keys;
}

// By subgraph that the runtime shows: its position, its operators' names, the partitions (delegate, operators), and the
// operators on builtin kernels.
py::list delegation_of(py::handle self) {
  CompiledModel& model = native<ModelObject>(self).model();
  std::vector<std::pair<std::size_t, Delegation>> delegations;
  {
    const std::unique_lock lock = lock_model(model.lock());
    for (std::size_t subgraph = 0; subgraph < model.interface().subgraphs.size(); ++subgraph) {
      std::optional<Delegation> delegation = model.delegation(subgraph);
      if (delegation) delegations.emplace_back(subgraph, std::move(*delegation));
    }
  }
  py::list result;
  for (const auto& [subgraph, delegation] : delegations) {
    py::list names;
    const ModelInterface& described = model.delegated_operators();
    for (const std::uint32_t code : described.subgraphs[subgraph].operators) {
      names.append(name_as_str(name_of(described.operator_codes[code])));
    }
    py::list partitions;
    for (const Partition& partition : delegation.partitions) {
      partitions.append(py::make_tuple(partition.delegate, partition.operators));
    }
    result.append(py::make_tuple(subgraph, names, partitions, delegation.builtin));
  }
  return result;
}

py::bytes read_file(const std::string& path) {
  std::shared_ptr<ModelBytes> bytes;
  {
    const py::gil_scoped_release release;
    bytes = ModelBytes::read(path);
  }
  return {reinterpret_cast<const char*>(bytes->span().data()), bytes->span().size()};
}

void verify_model(const py::buffer& content, const std::string& name, Verification level) {
  const py::buffer_info info = content.request();
  const std::span bytes(static_cast<const std::byte*>(info.ptr),
                        static_cast<std::size_t>(info.size) * static_cast<std::size_t>(info.itemsize));
  const py::gil_scoped_release release;
  const std::shared_ptr<ModelBytes> copied = ModelBytes::copy(bytes, name);
  verify(*copied, ModelInterface::parse(*copied), level);
}

// Delegates that the model goes without, and why.
py::list unused_delegates(py::handle self) {
  py::list result;
  for (const UnusedDelegate& unused : native<ModelObject>(self).model().unused_delegates()) {
    result.append(py::make_tuple(unused.name, name_as_str(unused.reason)));
  }
  return result;
}

}  // namespace

void register_model(py::module_& module) {
  module.def("read_file", &read_file, py::arg("path"), py::pos_only(), "The bytes of a model's file.");
  py::enum_<Verification>(module, "Verification", "How closely a model's file is looked at.")
      .value("structure", Verification::structure)
      .value("full", Verification::full);

  module.def("verify_model", &verify_model, py::arg("content"), py::arg("name"), py::arg("verification"),
             py::pos_only(), "Refuses a model that is not sound; the runtime does not get it.");

  py::class_<ModelObject, SignatureObject, std::shared_ptr<ModelObject>>(
      module, "CompiledModel", "A model that is ready to run.",
      py::custom_type_setup([](PyHeapTypeObject* type) { add_vectorcall(type); }))
      .def(py::init(&load), py::kw_only(), py::arg("path") = py::none(), py::arg("content") = py::none(),
           py::arg("replica_of") = py::none(), py::arg("name") = "model", py::arg("map") = py::none(),
           py::arg_v("cpu", CpuSettings(), "CpuSettings()"), py::arg("before_xnnpack") = py::list(),
           py::arg("after_xnnpack") = py::list(), py::arg("fallback") = true, py::arg("custom_operators") = py::list(),
           py::arg("verification") = Verification::structure)
      .def_property_readonly("name", &name_of_model)
      .def_property_readonly("size", [](py::handle self) { return native<ModelObject>(self).model().model()->size(); })
      .def_property_readonly(
          "mapped", [](py::handle self) { return native<ModelObject>(self).model().model()->bytes().is_mapped(); })
      .def_property_readonly("threads",
                             [](py::handle self) { return native<ModelObject>(self).model().options().threads; })
      .def_property_readonly("_dequantized_bytes",
                             [](py::handle self) { return native<ModelObject>(self).model().dequantized_bytes(); })
      .def_property_readonly("closed", [](py::handle self) { return native<ModelObject>(self).model().is_closed(); })
      .def("_signature_keys", &signature_keys)
      .def("_unusable_signatures",
           [](py::handle self) { return unusable_signatures(native<ModelObject>(self).model().interface()); })
      .def("_delegation", &delegation_of)
      .def("_unused_delegates", &unused_delegates)
      .def("close", &close);
}

}  // namespace zerolite::bindings

#include <pybind11/critical_section.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "python/instance.hpp"
#include "python/locking.hpp"
#include "python/names.hpp"
#include "register.hpp"
#include "signature/bind_memory.hpp"
#include "signature/signature_call.hpp"
#include "signature/signature_object.hpp"
#include "signature/variables.hpp"
#include "signature/vectorcall.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

py::tuple names_of(const std::vector<TensorInfo>& tensors) {
  py::tuple names(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) names[i] = tensors[i].key;
  return names;
}

// Over the model's memory, which is there as long as the signature, or over a copy where that is not the file's.
py::memoryview content_of(py::handle self) {
  const ModelBytes& content = native<SignatureObject>(self).model().model()->bytes();
  if (content.is_overwritten()) {
    const std::vector<std::byte> original = content.original();
    return py::memoryview(py::bytes(reinterpret_cast<const char*>(original.data()), original.size()));
  }
  const std::span<const std::byte> bytes = content.span();
  return py::memoryview::from_memory(bytes.data(), static_cast<py::ssize_t>(bytes.size()));
}

std::pair<bool, py::str> dispatch_of(py::handle self) {
  auto& signature = native<SignatureObject>(self);
  const std::unique_lock lock = lock_model(signature.model().lock());
  const Dispatch dispatch = signature.runner().dispatch();
  return {dispatch.direct, name_as_str(dispatch.reason)};
}

void resize(py::handle self, const std::vector<std::pair<std::size_t, std::vector<std::int32_t>>>& shapes) {
  auto& signature = native<SignatureObject>(self);
  std::vector<ResizeRequest> requests;
  requests.reserve(shapes.size());
  for (const auto& [input, shape] : shapes) {
    if (input >= signature.inputs().size()) throw py::index_error("no input at that position");
    requests.push_back({input, shape});
  }
  std::vector<std::shared_ptr<void>> retired;  // let go after the lock: that may run Python code
  {
    const std::unique_lock lock = lock_model(signature.model().lock());
    const py::gil_scoped_release release;
    signature.model().resize(signature.index(), requests, EmptyShapes::refused);
    retired = signature.model().signature(signature.index()).take_retired();
  }
}

void reset(py::handle self) {
  auto& signature = native<SignatureObject>(self);
  const std::unique_lock lock = lock_model(signature.model().lock());
  const py::gil_scoped_release release;
  signature.model().reset_state();
}

bool keeps_state(py::handle self) {
  return native<SignatureObject>(self).model().state() != CompiledModel::State::none;
}

}  // namespace

void register_signature(py::module_& module) {
  py::class_<SignatureObject, std::shared_ptr<SignatureObject>>(
      module, "Signature", "One signature of a model: its tensors, and how it is run.",
      py::custom_type_setup([](PyHeapTypeObject* type) { add_vectorcall(type); }))
      .def(py::init([](py::handle owner, std::size_t index) {
             const auto& model = native<SignatureObject>(owner);
             if (index >= model.model().interface().signatures.size()) {
               throw py::index_error("no signature at that position");
             }
             return std::make_shared<SignatureObject>(model.shared_model(), index);
           }),
           py::arg("model"), py::arg("index"))
      .def("_content", &content_of)
      .def_property_readonly("key", [](py::handle self) { return name_as_str(native<SignatureObject>(self).key()); })
      .def("_input_names", [](py::handle self) { return names_of(native<SignatureObject>(self).inputs()); })
      .def("_output_names", [](py::handle self) { return names_of(native<SignatureObject>(self).outputs()); })
      .def("_dispatch", &dispatch_of)
      .def("_keeps_state", &keeps_state)
      .def(
          "_warn_of_positions",
          [](py::handle self, int stack_level) { warn_of_positions(native<SignatureObject>(self), stack_level); },
          py::arg("stack_level"), py::pos_only())
      .def_property_readonly("_index", [](py::handle self) { return native<SignatureObject>(self).index(); })
      .def("_settle_positions",
           [](py::handle self) {
             auto& signature = native<SignatureObject>(self);
             const std::unique_lock lock = lock_model(signature.model().lock());
             signature.settle_positions();
           })
      .def("_inputs_in_doubt",
           [](py::handle self) {
             const auto& signature = native<SignatureObject>(self);
             return signature.model().interface().signatures[signature.index()].inputs_in_doubt;
           })
      .def(
          "_call_until",
          [](py::handle self, const std::shared_ptr<StopRequest>& stop, const py::tuple& args, const py::dict& kwargs,
             bool real) {
            const Numbers numbers = real ? Numbers::real : Numbers::stored;
            const py::object chosen = chosen_signature(self, args, kwargs);
            return call_signature(native<SignatureObject>(chosen), args, kwargs, numbers, stop);
          },
          py::arg("stop"), py::arg("args"), py::arg("kwargs"), py::kw_only(), py::arg("real"))
      .def("_call_real",
           [](py::handle self, const py::args& args, const py::kwargs& kwargs) {
             const py::object chosen = chosen_signature(self, args, kwargs);
             return call_signature(native<SignatureObject>(chosen), args, kwargs, Numbers::real);
           })
      .def("_read_variables", &read_variables)
      .def("_write_variables", &write_variables, py::arg("values"), py::pos_only())
      .def(
          "_carry",
          [](py::handle self, std::size_t input, std::optional<std::size_t> output) {
            carry_output(native<SignatureObject>(self), input, output);
          },
          py::arg("input"), py::arg("output"), py::pos_only())
      .def(
          "_set_chooser",
          [](py::handle self, py::object chooser) {
            const py::scoped_critical_section section(self);
            native<SignatureObject>(self).set_chooser(std::move(chooser));
          },
          py::arg("chooser"), py::pos_only())
      .def("_reset", &reset)
      .def("_resize", &resize, py::arg("shapes"), py::pos_only());
}

}  // namespace zerolite::bindings

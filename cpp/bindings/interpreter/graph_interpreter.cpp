#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "interpreter/interpreter_details.hpp"
#include "interpreter/interpreter_methods.hpp"
#include "interpreter/interpreter_object.hpp"
#include "interpreter/interpreter_values.hpp"
#include "model/delegate_settings.hpp"
#include "operators/custom_operators.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "python/names.hpp"
#include "register.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/platform/shared_library.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

InterpreterObject& interpreter(py::handle self) { return native<InterpreterObject>(self); }

std::shared_ptr<InterpreterObject> create(const std::optional<std::string>& path,
                                          const std::optional<py::buffer>& content, const CpuSettings& cpu,
                                          const std::vector<ExternalDelegateSettings>& delegates,
                                          const std::vector<CustomOperator>& operators, bool preserve_all_tensors,
                                          bool fuse_operators, bool cluster_operators) {
  InterpreterObject::Options options;
  options.compile = cpu.options();
  options.compile.before_xnnpack.assign(delegates.begin(), delegates.end());
  if (!fuse_operators || preserve_all_tensors) options.compile.xnnpack_nodes = XnnpackNodes::single;
  options.compile.custom_operators = custom_operators(operators);
  options.compile.cluster_operators = cluster_operators;
  options.preserve_all_tensors = preserve_all_tensors;
  options.compile.validate();
  std::shared_ptr<ModelBytes> bytes;
  if (path) {
    const py::gil_scoped_release release;
    bytes = ModelBytes::read(*path);
  } else {
    const py::buffer_info info = content.value_or(py::bytes()).request();
    const std::span view(static_cast<const std::byte*>(info.ptr),
                         static_cast<std::size_t>(info.size) * static_cast<std::size_t>(info.itemsize));
    bytes = ModelBytes::copy(view, "the model in memory");
  }
  const py::gil_scoped_release release;
  return std::make_shared<InterpreterObject>(load_model(std::move(bytes)), options);
}

std::vector<std::int32_t> main_indices(py::handle self, bool inputs) {
  const SubgraphDescription& main = interpreter(self).model().interface().subgraphs.front();
  return inputs ? main.inputs : main.outputs;
}

void resize(py::handle self, std::ptrdiff_t index, const std::vector<std::int32_t>& shape, std::ptrdiff_t subgraph) {
  InterpreterObject& object = interpreter(self);
  const std::unique_lock lock = lock_model(object.lock());
  InterpreterState& graph = object.graph(subgraph);
  if (index < 0 || static_cast<std::size_t>(index) >= graph.count()) {
    throw Error("there is no tensor " + std::to_string(index) + " to resize; the subgraph has " +
                std::to_string(graph.count()));
  }
  try {
    graph.resize(static_cast<std::size_t>(index), shape);
  } catch (...) {
    object.note_state();
    throw;
  }
  object.note_state();
}

void allocate(py::handle self, std::ptrdiff_t subgraph) {
  InterpreterObject& object = interpreter(self);
  const std::unique_lock lock = lock_model(object.lock());
  const py::gil_scoped_release release;
  object.allocate(subgraph);
}

void invoke(py::handle self, std::ptrdiff_t subgraph) {
  InterpreterObject& object = interpreter(self);
  const std::unique_lock lock = lock_model(object.lock());
  object.run(subgraph);
}

// (smallest, largest) by the tensors' names.
py::dict invoke_for_ranges(py::handle self, std::ptrdiff_t subgraph) {
  InterpreterObject& object = interpreter(self);
  std::map<std::string, ValueRange> by_name;
  {
    const std::unique_lock lock = lock_model(object.lock());
    const std::unique_ptr<ValueRanges> ranges = object.run_for_ranges(subgraph);
    for (const auto& [place, range] : ranges->ranges()) {
      const InterpreterState& graph = object.graph(static_cast<std::ptrdiff_t>(place.first));
      ValueRange& known = by_name.try_emplace(graph.name(static_cast<std::size_t>(place.second)), range).first->second;
      known.smallest = std::min(known.smallest, range.smallest);
      known.largest = std::max(known.largest, range.largest);
    }
  }
  py::dict answer;
  for (const auto& [name, range] : by_name) {
    answer[name_as_str(name)] = py::make_tuple(range.smallest, range.largest);
  }
  return answer;
}

void reset_variables(py::handle self) {
  InterpreterObject& object = interpreter(self);
  const std::unique_lock lock = lock_model(object.lock());
  object.reset_variables();
}

std::size_t tensor_count(py::handle self, std::ptrdiff_t subgraph) {
  InterpreterObject& object = interpreter(self);
  const std::unique_lock lock = lock_model(object.lock());
  return object.graph(subgraph).count();
}

std::pair<bool, std::string> dispatch_of(py::handle self) {
  InterpreterObject& object = interpreter(self);
  const std::unique_lock lock = lock_model(object.lock());
  const Dispatch dispatch = object.graph(0).runner().dispatch();
  return {dispatch.direct, dispatch.reason};
}

// (subgraph, tensor, how often it was computed) for what the last run left to be seen.
std::vector<std::tuple<std::size_t, std::int32_t, std::size_t>> traced_tensors(py::handle self) {
  InterpreterObject& object = interpreter(self);
  const std::unique_lock lock = lock_model(object.lock());
  std::vector<std::tuple<std::size_t, std::int32_t, std::size_t>> tensors;
  for (const auto& [place, tensor] : object.trace().tensors()) {
    tensors.emplace_back(place.first, place.second, tensor.times);
  }
  return tensors;
}

ExternalDelegateSettings made_delegate(ExternalDelegateSettings settings) {
  settings.made = std::make_shared<ExternalDelegate>(settings);
  return settings;
}

}  // namespace

void register_graph_interpreter(py::module_& module) {
  module.def("make_delegate", &made_delegate, py::arg("settings"), py::pos_only());
  module.def("missing_symbol", &missing_symbol, py::arg("library"), py::arg("symbol"), py::pos_only());
  py::class_<InterpreterObject, std::shared_ptr<InterpreterObject>>(
      module, "GraphInterpreter", "A model whose tensors are told apart by index, as tf.lite.Interpreter does.",
      py::custom_type_setup([](PyHeapTypeObject* type) { add_interpreter_methods(type); }))
      .def(py::init(&create), py::kw_only(), py::arg("path") = py::none(), py::arg("content") = py::none(),
           py::arg_v("cpu", CpuSettings(), "CpuSettings()"), py::arg("delegates") = py::list(),
           py::arg("custom_operators") = py::list(), py::arg("preserve_all_tensors") = false,
           py::arg("fuse_operators") = true, py::arg("cluster_operators") = true)
      .def("_refusal", [](py::handle self) { return interpreter(self).refusal(); })
      .def("_main_indices", &main_indices, py::kw_only(), py::arg("inputs"))
      .def("_subgraph_count", [](py::handle self) { return interpreter(self).subgraph_count(); })
      .def("_tensor_count", &tensor_count, py::arg("subgraph"), py::pos_only())
      .def(
          "_tensor_details",
          [](py::handle self, std::ptrdiff_t index, std::ptrdiff_t subgraph) {
            return tensor_details(interpreter(self), index, subgraph);
          },
          py::arg("index"), py::arg("subgraph"), py::pos_only())
      .def("_signature_details", [](py::handle self) { return signature_details(interpreter(self)); })
      .def("_signature_subgraphs", [](py::handle self) { return signature_subgraphs(interpreter(self)); })
      .def("_unusable_signatures",
           [](py::handle self) { return unusable_signatures(interpreter(self).model().interface()); })
      .def("_node_details", [](py::handle self) { return node_details(interpreter(self)); })
      .def("_traced_tensors", &traced_tensors)
      .def("_dispatch", &dispatch_of)
      .def("_resize", &resize, py::arg("index"), py::arg("shape"), py::arg("subgraph"), py::pos_only())
      .def("_allocate", &allocate, py::arg("subgraph"), py::pos_only())
      .def("_invoke", &invoke, py::arg("subgraph"), py::pos_only())
      .def("_invoke_for_ranges", &invoke_for_ranges, py::arg("subgraph"), py::pos_only())
      .def(
          "_set",
          [](py::handle self, std::ptrdiff_t index, py::handle value, std::ptrdiff_t subgraph) {
            set_tensor_value(interpreter(self), index, value, subgraph);
          },
          py::arg("index"), py::arg("value"), py::arg("subgraph"), py::pos_only())
      .def(
          "_view", [](py::handle self, std::ptrdiff_t index) { return view_tensor_value(interpreter(self), index, 0); },
          py::arg("index"), py::pos_only())
      .def("_reset_variables", &reset_variables);
}

}  // namespace zerolite::bindings

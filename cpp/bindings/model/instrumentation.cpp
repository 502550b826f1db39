// Runs that are watched: `profile` and `trace`. They run replicas, so that nothing happens to the model itself.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrays/dtypes.hpp"
#include "model/delegate_settings.hpp"
#include "model/model_instance.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "python/names.hpp"
#include "register.hpp"
#include "signature/signature_call.hpp"
#include "signature/signature_object.hpp"
#include "signature/strings.hpp"
#include "signature/tensor_values.hpp"
#include "zerolite/compilation/missing_kernels.hpp"
#include "zerolite/graph/graph_nodes.hpp"
#include "zerolite/instrumentation/tensor_trace.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// A signature of a second instance of its model: over the same bytes, with state and memory of its own. With `kernels`
// it runs on these alone, whatever the delegates of the model; XNNPACK takes what only it has kernels for.
std::shared_ptr<SignatureObject> replica(py::handle object, std::optional<std::string_view> kernels, bool profiling) {
  const auto& signature = native<SignatureObject>(object);
  CompileOptions original;
  {
    const std::unique_lock lock = lock_model(signature.model().lock());  // a reset makes custom operators anew
    original = signature.model().options();
  }
  CompileOptions options = original;
  options.weight_cache.clear();  // its owner may have let go of it
  if (kernels) {
    options = CompileOptions();
    options.threads = original.threads;
    options.weights = original.weights;
    options.custom_operators = original.custom_operators;
    options.kernels = kernels_of(*kernels);
    if (options.kernels == CpuKernels::builtin && has_operators_by_name_only(*signature.model().executed_model())) {
      options.kernels = CpuKernels::delegate;
      options.xnnpack_nodes = XnnpackNodes::single_custom;
    }
  }
  // Only XNNPACK and OpenVINO have more to tell than our own clock, and the GPU's accelerator fails while a profiler is
  // on (LiteRT 2.3.0).
  const bool has_counters = options.kernels == CpuKernels::delegate || options.has_openvino();
  options.profiling = profiling && has_counters && options.gpu() == nullptr;
  std::shared_ptr<CompiledModel> model;
  {
    const py::gil_scoped_release release;
    model = compile(signature.model(), options);
  }
  return std::make_shared<SignatureObject>(std::move(model), signature.index());
}

// Gives a signature the inputs' shapes and values that another instance of it has.
void take_inputs(py::handle object, py::handle source) {
  std::vector<ResizeRequest> shapes;
  std::vector<std::vector<std::byte>> values;
  {
    auto& from = native<SignatureObject>(source);
    const std::unique_lock lock = lock_model(from.model().lock());
    const SignatureRunner& runner = from.runner();
    for (std::size_t i = 0; i < runner.count(Side::input); ++i) {
      const TensorBinding& binding = runner.binding(Side::input, i);
      shapes.push_back({i, binding.shape()});
      values.emplace_back(binding.bytes().begin(), binding.bytes().end());
    }
  }
  auto& to = native<SignatureObject>(object);
  const std::unique_lock lock = lock_model(to.model().lock());
  SignatureRunner& runner = to.runner();
  runner.resize(shapes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const TensorBinding& binding = runner.binding(Side::input, i);
    if (binding.type() == ElementType::string) {
      runner.set_strings(i, values[i]);
    } else {
      std::copy_n(values[i].begin(), std::min(values[i].size(), binding.size()), binding.data());
    }
  }
}

// What the plan of every subgraph holds: the subgraph, the node, its operator or those of the partition, each with the
// first tensor that it computes, the delegate or "", and the name of the first tensor that the node computes.
py::list planned_nodes(py::handle object) {
  CompiledModel& model = native<SignatureObject>(object).model();
  const std::unique_lock lock = lock_model(model.lock());
  py::list nodes;
  for (const GraphNode& node : nodes_of(model.observer(), model.interface())) {
    const std::string output =
        node.outputs.empty() ? ""
                             : name_of_tensor(model.observer(), model.interface(), node.subgraph, node.outputs.front());
    py::list operators;
    for (std::size_t i = 0; i < node.operators.size(); ++i) {
      const std::string result =
          node.results[i] < 0 ? ""
                              : name_of_tensor(model.observer(), model.interface(), node.subgraph, node.results[i]);
      operators.append(py::make_tuple(name_as_str(node.operators[i]), name_as_str(result)));
    }
    nodes.append(py::make_tuple(node.subgraph, node.node, operators, name_as_str(node.delegate), name_as_str(output)));
  }
  return nodes;
}

// One run over the signature's memory: its nanoseconds, and for each node that ran the subgraph, the node, when it
// began and how long it took in nanoseconds, and what XNNPACK did in it, by name with microseconds.
py::tuple profile_run(py::handle object) {
  auto& signature = native<SignatureObject>(object);
  RunProfile profile;
  {
    const std::unique_lock lock = lock_model(signature.model().lock());
    const py::gil_scoped_release release;
    profile = signature.model().profile_run(signature.index());
  }
  py::list nodes(profile.nodes.size());
  for (std::size_t i = 0; i < profile.nodes.size(); ++i) {
    const NodeTime& time = profile.nodes[i];
    py::list steps;
    for (const StepTime& step : time.steps) steps.append(py::make_tuple(step.name, step.microseconds));
    nodes[i] = py::make_tuple(time.subgraph, time.node, time.begin.count(), time.elapsed.count(), steps);
  }
  return py::make_tuple(profile.elapsed.count(), nodes);
}

// What is known of a traced tensor besides its values.
struct Traced {
  std::size_t subgraph;
  std::int32_t tensor;
  std::string name;
  std::string operator_name;
  std::optional<Quantization> quantization;
};

std::vector<Traced> traced_tensors(const CompiledModel& model, const TensorTrace& trace) {
  std::vector<Traced> tensors;
  for (const GraphNode& node : nodes_of(model.observer(), model.interface())) {
    for (const std::int32_t output : node.outputs) {
      if (trace.find(node.subgraph, output) == nullptr) continue;  // a branch that was not taken
      tensors.push_back({node.subgraph, output,
                         name_of_tensor(model.observer(), model.interface(), node.subgraph, output),
                         node.operators.empty() ? "" : node.operators.front(),
                         model.observer().graph(node.subgraph)->spec(output).quantization});
    }
  }
  return tensors;
}

py::object values_of(const TracedTensor& traced) {
  TensorInfo info;
  info.type = traced.type;
  info.dtype = dtype_of(traced.type);
  info.shape.assign(traced.shape.begin(), traced.shape.end());
  info.size = traced.bytes.size();
  return traced.type == ElementType::string ? decode_strings(traced.bytes, info.shape)
                                            : load_output(info, traced.bytes);
}

py::object quantization_of(const std::optional<Quantization>& quantization) {
  if (!quantization) return py::none();
  return py::make_tuple(py::tuple(py::cast(quantization->scales)), py::tuple(py::cast(quantization->zero_points)),
                        quantization->axis);
}

// One run over the signature's memory: the signature's subgraph, and of every tensor that was computed the subgraph,
// the index, the name, the operator, the values, the quantization or None, and how often it was computed; the values
// are the last ones.
py::tuple trace_run(py::handle object) {
  auto& signature = native<SignatureObject>(object);
  CompiledModel& model = signature.model();
  TensorTrace trace;
  std::vector<Traced> tensors;
  {
    const std::unique_lock lock = lock_model(model.lock());
    SignatureRunner& runner = signature.runner();
    const py::gil_scoped_release release;
    runner.run_instrumented(model.observer(), trace);
    tensors = traced_tensors(model, trace);
  }
  py::list result;
  for (const Traced& tensor : tensors) {
    const TracedTensor& traced = *trace.find(tensor.subgraph, tensor.tensor);
    result.append(py::make_tuple(tensor.subgraph, tensor.tensor, name_as_str(tensor.name),
                                 name_as_str(tensor.operator_name), values_of(traced),
                                 quantization_of(tensor.quantization), traced.times));
  }
  return py::make_tuple(model.interface().signatures[signature.index()].subgraph, result);
}

}  // namespace

void register_instrumentation(py::module_& module) {
  module.def("replica", &replica, py::arg("signature"), py::kw_only(), py::arg("kernels") = py::none(),
             py::arg("profiling") = false);
  module.def(
      "model_name",
      [](py::handle signature) { return path_as_str(native<SignatureObject>(signature).model().model()->name()); },
      py::arg("signature"), py::pos_only());
  module.def("take_inputs", &take_inputs, py::arg("signature"), py::arg("source"), py::pos_only());
  module.def(
      "fill_inputs",
      [](py::handle signature, const py::args& args, const py::kwargs& kwargs) {
        fill_inputs(native<SignatureObject>(signature), args, kwargs);
      },
      py::arg("signature"), py::pos_only());
  module.def("planned_nodes", &planned_nodes, py::arg("signature"), py::pos_only());
  module.def("profile_run", &profile_run, py::arg("signature"), py::pos_only());
  module.def("trace_run", &trace_run, py::arg("signature"), py::pos_only());
}

}  // namespace zerolite::bindings

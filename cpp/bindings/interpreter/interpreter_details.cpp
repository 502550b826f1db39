#include "interpreter/interpreter_details.hpp"

#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "python/locking.hpp"
#include "python/names.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

template <typename Element>
py::object as_vector(const std::vector<Element>& values, int type) {
  auto size = static_cast<npy_intp>(values.size());
  auto array = py::reinterpret_steal<py::object>(PyArray_SimpleNew(1, &size, type));
  if (!array) throw py::error_already_set();
  if (!values.empty()) std::memcpy(PyArray_DATA(as_array(array)), values.data(), values.size() * sizeof(Element));
  return array;
}

py::object integers(const std::vector<std::int32_t>& values) { return as_vector(values, NPY_INT32); }

py::object scalar_type(ElementType type) {
  // Fixed-size bytes stand for strings.
  if (type == ElementType::string) return py::reinterpret_steal<py::object>(PyArray_TypeObjectFromType(NPY_STRING));
  const py::object dtype = interpreter_dtype(type);
  if (!dtype) throw ValueError("Tensor with no type found.");
  return dtype.attr("type");
}

py::dict sparsity_parameters(const Sparsity& sparsity) {
  py::dict parameters;
  parameters["traversal_order"] = integers(sparsity.traversal_order);
  if (sparsity.block_map) parameters["block_map"] = integers(*sparsity.block_map);
  py::list dimensions;
  for (const DimensionMetadata& dimension : sparsity.dimensions) {
    py::dict metadata;
    metadata["format"] = dimension.sparse ? 1 : 0;
    if (dimension.sparse) {
      metadata["array_segments"] = integers(dimension.segments);
      metadata["array_indices"] = integers(dimension.indices);
    } else {
      metadata["dense_size"] = dimension.dense_size;
    }
    dimensions.append(metadata);
  }
  parameters["dim_metadata"] = dimensions;
  return parameters;
}

template <typename Element>
std::vector<Element> elements(const InterpreterState& graph, std::int32_t index) {
  if (index < 0 || static_cast<std::size_t>(index) >= graph.count()) return {};
  const std::optional<TensorMemory> memory = graph.memory(static_cast<std::size_t>(index));
  if (!memory) return {};
  std::vector<Element> values(memory->size / sizeof(Element));
  if (!values.empty()) std::memcpy(values.data(), memory->data, values.size() * sizeof(Element));
  return values;
}

// What is asked of the graph, with the lock; dictionaries are made without it, since collecting garbage may run any
// code.
struct Facts {
  std::string name;
  ElementType type = ElementType::none;
  std::vector<std::int32_t> shape;
  std::vector<std::int32_t> shape_signature;
  PreparedQuantization quantization;
  const TensorDetails* details = nullptr;   // of the model's own tensors; null for those that kernels added
  std::vector<std::uint16_t> block_scales;  // half floats
  std::vector<std::int32_t> block_zero_points;
};

PreparedQuantization quantization_in_file(const TensorDetails& details) {
  PreparedQuantization quantization{details.scales, details.zero_points, details.quantized_dimension};
  if (details.scales.size() == 1) {
    quantization.scale = details.scales.front();
    quantization.zero_point = details.zero_points.empty() ? 0 : details.zero_points.front();
  }
  return quantization;
}

Facts facts_of(InterpreterObject& interpreter, std::ptrdiff_t index, std::ptrdiff_t subgraph) {
  const std::unique_lock lock = lock_model(interpreter.lock());
  const std::size_t position = interpreter.tensor_index(index, subgraph);
  const InterpreterState& graph = interpreter.graph(subgraph);
  if (!graph.has_shape(position)) throw ValueError("Tensor with no shape found.");
  Facts facts;
  facts.name = graph.name(position);
  facts.type = graph.type(position);
  facts.shape = graph.shape(position);
  facts.shape_signature = graph.shape_signature(position);
  facts.details = graph.details(position);
  if (std::optional<PreparedQuantization> prepared = graph.prepared_quantization(position)) {
    facts.quantization = std::move(*prepared);
  } else if (facts.details != nullptr) {
    facts.quantization = quantization_in_file(*facts.details);
  }
  if (facts.details != nullptr && facts.details->blockwise) {
    facts.block_scales = elements<std::uint16_t>(graph, facts.details->blockwise->scales);
    facts.block_zero_points = elements<std::int32_t>(graph, facts.details->blockwise->zero_points);
  }
  return facts;
}

py::dict quantization_parameters(const Facts& facts) {
  const bool blockwise = facts.details != nullptr && facts.details->blockwise;
  py::dict parameters;
  parameters["scales"] =
      blockwise ? as_vector(facts.block_scales, NPY_FLOAT16) : as_vector(facts.quantization.scales, NPY_FLOAT32);
  parameters["zero_points"] = integers(blockwise ? facts.block_zero_points : facts.quantization.zero_points);
  parameters["quantized_dimension"] = facts.quantization.axis;
  parameters["block_size"] = blockwise ? facts.details->blockwise->block_size : 0;
  return parameters;
}

// Those that the signature names, sorted by name.
py::dict tensor_indices(const std::vector<NamedTensor>& tensors) {
  std::map<std::string, std::int32_t> sorted;
  for (const NamedTensor& tensor : tensors) {
    if (tensor.is_named) sorted[tensor.name_in_file] = tensor.tensor_index;
  }
  py::dict indices;
  for (const auto& [name, index] : sorted) indices[name_as_str(name)] = index;
  return indices;
}

bool is_of_file(const SignatureDescription& signature) { return signature.key != kPlaceholderSignature; }

}  // namespace

py::dict tensor_details(InterpreterObject& interpreter, std::ptrdiff_t index, std::ptrdiff_t subgraph) {
  const Facts facts = facts_of(interpreter, index, subgraph);
  const bool sparse = facts.details != nullptr && facts.details->sparsity;
  py::dict result;
  result["name"] = name_as_str(facts.name);
  result["index"] = index;
  result["shape"] = integers(facts.shape);
  result["shape_signature"] = integers(facts.shape_signature);
  result["dtype"] = scalar_type(facts.type);
  result["quantization"] = py::make_tuple(static_cast<double>(facts.quantization.scale), facts.quantization.zero_point);
  result["quantization_parameters"] = quantization_parameters(facts);
  result["sparsity_parameters"] = sparse ? sparsity_parameters(*facts.details->sparsity) : py::dict();
  return result;
}

py::dict signature_details(const InterpreterObject& interpreter) {
  py::dict signatures;
  for (const SignatureDescription& signature : interpreter.model().interface().signatures) {
    if (!is_of_file(signature)) continue;
    py::dict sides;
    sides["inputs"] = tensor_indices(signature.inputs);
    sides["outputs"] = tensor_indices(signature.outputs);
    signatures[name_as_str(signature.key)] = sides;
  }
  return signatures;
}

std::vector<std::size_t> signature_subgraphs(const InterpreterObject& interpreter) {
  std::vector<std::size_t> subgraphs;
  for (const SignatureDescription& signature : interpreter.model().interface().signatures) {
    if (is_of_file(signature)) subgraphs.push_back(signature.subgraph);
  }
  return subgraphs;
}

py::list node_details(InterpreterObject& interpreter) {
  const std::vector<OperatorDetails>& operators = interpreter.contents().subgraphs.front().operators;
  std::vector<std::vector<std::int32_t>> outputs_of;
  std::vector<DelegatedNode> delegated;
  {
    const std::unique_lock lock = lock_model(interpreter.lock());
    const InterpreterState& graph = interpreter.graph(0);
    for (std::size_t i = 0; i < operators.size(); ++i) outputs_of.push_back(graph.operator_outputs(i));
    delegated = graph.delegated_nodes();
  }
  py::list nodes;
  const auto add = [&](std::int32_t code, const std::string& custom, const std::vector<std::int32_t>& inputs,
                       const std::vector<std::int32_t>& outputs) {
    const OperatorCode operation{code, custom};
    const std::string name = operation.is_custom() && custom.empty() ? "UnknownCustomOp" : name_of(operation);
    nodes.append(py::make_tuple(name_as_str(name), integers(inputs), integers(outputs)));
  };
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const OperatorCode& code = interpreter.model().interface().operator_codes[operators[i].code];
    add(code.builtin_code, code.custom_code, operators[i].inputs, outputs_of[i]);
  }
  for (const DelegatedNode& node : delegated)
    add(static_cast<std::int32_t>(Operator::DELEGATE), node.name, node.inputs, node.outputs);
  return nodes;
}

}  // namespace zerolite::bindings

#include "zerolite/inference/model_variables.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

// Those that VariableValues puts back to their start, too.
bool is_variable(const Tensor& tensor) {
  return tensor.is_variable && tensor.allocation_type == AllocationType::arena_persistent && tensor.data != nullptr;
}

// Prepares what nobody has used, and tells of a closed model. Null where no variable is a resource.
ResourceVariables* prepared_resources(CompiledModel& model) {
  for (std::size_t i = 0; i < model.interface().signatures.size(); ++i) model.signature(i).apply_pending();
  if (model.state() != CompiledModel::State::resources) return nullptr;
  ResourceVariables& resources = model.resources();
  resources.initialize();
  return &resources;
}

}  // namespace

std::vector<VariableValue> read_variables(CompiledModel& model) {
  const ResourceVariables* resources = prepared_resources(model);
  std::vector<VariableValue> variables;
  if (model.state() == CompiledModel::State::none) return variables;
  for (std::size_t subgraph = 0; subgraph < model.observer().subgraph_count(); ++subgraph) {
    const CapturedGraph* graph = model.observer().graph(subgraph);
    if (graph == nullptr) continue;
    for (std::size_t i = 0; i < graph->tensor_count(); ++i) {
      const auto index = static_cast<std::int32_t>(i);
      const Tensor& tensor = graph->tensor(index);
      if (!is_variable(tensor)) continue;
      std::shared_ptr<AlignedBuffer> copy = AlignedBuffer::allocate(tensor.bytes);
      std::memcpy(copy->data(), tensor.data, tensor.bytes);
      variables.push_back({subgraph, index, graph->spec(index), std::move(copy)});
    }
  }
  if (resources != nullptr) {
    for (VariableValue& value : resources->read()) variables.push_back(std::move(value));
  }
  return variables;
}

void write_variables(CompiledModel& model, std::span<const NewValue> values) {
  std::vector<VariableValue> variables = read_variables(model);
  std::vector<VariableValue> written;
  for (const NewValue& value : values) {
    const auto known = std::ranges::find_if(variables, [&](const VariableValue& variable) {
      return variable.subgraph == value.subgraph && variable.tensor == value.tensor;
    });
    if (known == variables.end() || known->values->size() != value.bytes.size()) {
      throw ValueError("the model's variables have other shapes by now; read its state again");
    }
    std::ranges::copy(value.bytes, known->values->data());
    written.push_back(*known);
  }
  for (const VariableValue& value : written) {
    const Tensor& tensor = model.observer().graph(value.subgraph)->tensor(value.tensor);
    if (is_variable(tensor) && tensor.bytes > 0) std::memcpy(tensor.data, value.values->data(), tensor.bytes);
  }
  if (model.state() == CompiledModel::State::resources) model.resources().write(written);
}

}  // namespace zerolite

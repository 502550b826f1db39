#include "zerolite/inference/model_variables.hpp"

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

// Those that VariableValues puts back to their start, too.
bool is_variable(const Tensor& tensor) {
  return tensor.is_variable && tensor.allocation_type == AllocationType::arena_persistent && tensor.data != nullptr;
}

}  // namespace

std::vector<Variable> variables_of(CompiledModel& model) {
  // Prepares what nobody has used, and tells of a closed model.
  for (std::size_t i = 0; i < model.interface().signatures.size(); ++i) model.signature(i).apply_pending();
  if (model.state() == CompiledModel::State::resources) {
    throw Error(
        model.model()->name() +
        " keeps its state in resources, whose values the runtime does not show; reset() puts them back to their "
        "start");
  }
  std::vector<Variable> variables;
  if (model.state() == CompiledModel::State::none) return variables;
  for (std::size_t subgraph = 0; subgraph < model.observer().subgraph_count(); ++subgraph) {
    const CapturedGraph* graph = model.observer().graph(subgraph);
    if (graph == nullptr) continue;
    for (std::size_t i = 0; i < graph->tensor_count(); ++i) {
      const auto index = static_cast<std::int32_t>(i);
      const Tensor& tensor = graph->tensor(index);
      if (!is_variable(tensor)) continue;
      variables.push_back({subgraph, index, graph->spec(index), {static_cast<std::byte*>(tensor.data), tensor.bytes}});
    }
  }
  return variables;
}

}  // namespace zerolite

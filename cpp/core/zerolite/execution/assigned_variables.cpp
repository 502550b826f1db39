#include "zerolite/execution/assigned_variables.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "zerolite/graph/delegation.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/variable_operators.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

AssignedVariables::AssignedVariables(const Model& model, std::size_t subgraph) {
  const ModelInterface& interface = model.interface();
  if (!assigns_variables(interface)) return;
  const ModelContents details = ModelContents::read(model.bytes().span());
  std::map<std::string, std::size_t> most_read;
  for (std::size_t i = 0; i < details.subgraphs.size(); ++i) {
    const SubgraphView graph{interface, interface.subgraphs[i], details.subgraphs[i]};
    for (const VariableOperator& operation : variable_operators(graph)) {
      if (i == subgraph) operators_.push_back(operation.index);
      if (operation.kind == VariableOperator::Kind::assign) {
        if (i == subgraph) assignments_.push_back({operation.variable, operation.tensor, 0});
        continue;
      }
      std::size_t& most = most_read[operation.variable];
      most = std::max(most, known_size(graph, operation).value_or(0));
    }
  }
  for (Assignment& assignment : assignments_) assignment.most_read = most_read[assignment.variable];
}

bool AssignedVariables::are_delegated(const CapturedGraph& graph) const {
  if (operators_.empty()) return false;
  const Delegation delegation = Delegation::of(graph);
  return std::ranges::any_of(delegation.partitions, [this](const Partition& partition) {
    return std::ranges::find_first_of(partition.operators, operators_) != partition.operators.end();
  });
}

void AssignedVariables::require_what_is_read(const CapturedGraph& graph, const std::string& model) const {
  for (const Assignment& assignment : assignments_) {
    const Tensor& value = graph.tensor(assignment.value);
    if (value.allocation_type == AllocationType::dynamic || value.bytes >= assignment.most_read) continue;
    throw Error(model + ": variable '" + assignment.variable + "' would hold " + std::to_string(value.bytes) +
                " bytes, and " + std::to_string(assignment.most_read) + " are read from it");
  }
}

}  // namespace zerolite

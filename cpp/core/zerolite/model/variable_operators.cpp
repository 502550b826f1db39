#include "zerolite/model/variable_operators.hpp"

#include <algorithm>
#include <map>

#include "zerolite/model/operators.hpp"
#include "zerolite/tensor/element_type.hpp"

namespace zerolite {
namespace {

// Without settings it is a variable without a name, which all such operators share.
std::string shared_name(const OperatorDetails& operation) {
  constexpr unsigned kSharedName = 1;
  const std::optional<flatbuffer::Table> options = options_of(Operator::VAR_HANDLE, operation);
  return options ? std::string(options->string(kSharedName)) : "";
}

}  // namespace

std::vector<VariableOperator> variable_operators(const SubgraphView& graph) {
  std::map<std::int32_t, std::string> names;  // by the tensor that refers to a variable
  std::vector<VariableOperator> found;
  for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
    const auto code = kind_of(graph.operator_code(i));
    const OperatorDetails& operation = graph.details.operators[i];
    if (code == Operator::VAR_HANDLE) {
      names[operation.outputs[0]] = shared_name(operation);
      continue;
    }
    if (code != Operator::READ_VARIABLE && code != Operator::ASSIGN_VARIABLE) continue;
    const auto name = names.find(operation.inputs[0]);
    if (name == names.end()) continue;
    if (code == Operator::READ_VARIABLE) {
      found.push_back({i, name->second, VariableOperator::Kind::read, operation.outputs[0]});
    } else {
      found.push_back({i, name->second, VariableOperator::Kind::assign, operation.inputs[1]});
    }
  }
  return found;
}

std::optional<std::size_t> known_size(const SubgraphView& graph, const VariableOperator& operation) {
  const TensorDescription& tensor = graph.tensor(operation.tensor);
  const std::vector<std::int32_t>& signature = graph.tensor_details(operation.tensor).shape_signature;
  const bool is_open = operation.kind == VariableOperator::Kind::read
                           ? tensor.shape.empty()
                           : std::ranges::find(signature, -1) != signature.end();
  return is_open ? std::nullopt : byte_size(tensor.type, tensor.shape);
}

}  // namespace zerolite

#include "zerolite/model/variable_operators.hpp"

#include <algorithm>
#include <map>

#include "zerolite/model/operator_numbers.hpp"
#include "zerolite/tensor/element_type.hpp"

namespace zerolite {
namespace {

using builtin::Operator;

// Without settings it is a variable without a name, which all such operators share.
std::string shared_name(const OperatorDetails& operation) {
  constexpr std::uint8_t kVariableOptions = 111;
  constexpr unsigned kSharedName = 1;
  if (operation.options.type != kVariableOptions || !operation.options.table) return "";
  return std::string(operation.options.table->string(kSharedName));
}

}  // namespace

std::vector<VariableOperator> variable_operators(const GraphView& graph) {
  std::map<std::int32_t, std::string> names;  // by the tensor that refers to a variable
  std::vector<VariableOperator> found;
  for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
    const auto code = static_cast<Operator>(graph.operator_code(i).builtin_code);
    const OperatorDetails& operation = graph.details.operators[i];
    if (code == Operator::var_handle) {
      names[operation.outputs[0]] = shared_name(operation);
      continue;
    }
    if (code != Operator::read_variable && code != Operator::assign_variable) continue;
    const auto name = names.find(operation.inputs[0]);
    if (name == names.end()) continue;
    if (code == Operator::read_variable) {
      found.push_back({i, name->second, VariableOperator::Kind::read, operation.outputs[0]});
    } else {
      found.push_back({i, name->second, VariableOperator::Kind::assign, operation.inputs[1]});
    }
  }
  return found;
}

std::optional<std::size_t> known_size(const GraphView& graph, const VariableOperator& operation) {
  const TensorDescription& tensor = graph.tensor(operation.tensor);
  const std::vector<std::int32_t>& signature = graph.tensor_details(operation.tensor).shape_signature;
  const bool is_open = operation.kind == VariableOperator::Kind::read
                           ? tensor.shape.empty()
                           : std::ranges::find(signature, -1) != signature.end();
  return is_open ? std::nullopt : byte_size(tensor.type, tensor.shape);
}

}  // namespace zerolite

#include "zerolite/verification/execution_order.hpp"

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

constexpr std::int32_t kNoOperand = -1;

}  // namespace

ExecutionOrder::ExecutionOrder(const GraphView& graph)
    : graph_(graph), has_value_(graph.description.tensors.size()), is_given_(graph.description.tensors.size()) {
  for (std::size_t i = 0; i < has_value_.size(); ++i) {
    const TensorDetails& details = graph.details.tensors[i];
    has_value_[i] = !details.constant.empty() || details.is_variable || graph.description.tensors[i].is_empty();
  }
  for (const std::int32_t input : graph.description.inputs) {
    has_value_[static_cast<std::size_t>(input)] = true;
    is_given_[static_cast<std::size_t>(input)] = true;
  }
}

void ExecutionOrder::pass(std::size_t index) {
  const OperatorDetails& operation = graph_.details.operators[index];
  require_tensors(operation.inputs, index, "input");
  require_tensors(operation.intermediates, index, "intermediate tensor");
  require_tensors(operation.outputs, index, "output");
  for (const std::int32_t input : operation.inputs) {
    if (input != kNoOperand && !has_value_[static_cast<std::size_t>(input)]) {
      refuse(index, "reads " + graph_.name_of_tensor(static_cast<std::size_t>(input)) + ", which nothing has written");
    }
  }
  for (const std::int32_t output : operation.outputs) {
    if (output == kNoOperand) refuse(index, "leaves an output out, and only inputs are optional");
    if (!graph_.tensor_details(output).constant.empty()) {
      refuse(index, "writes " + graph_.name_of_tensor(static_cast<std::size_t>(output)) + ", which is constant");
    }
    if (is_given_[static_cast<std::size_t>(output)]) {
      refuse(index, "writes " + graph_.name_of_tensor(static_cast<std::size_t>(output)) +
                        ", which is an input of its subgraph or written by another operator");
    }
    has_value_[static_cast<std::size_t>(output)] = true;
    is_given_[static_cast<std::size_t>(output)] = true;
  }
}

void ExecutionOrder::finish() const {
  for (const std::int32_t output : graph_.description.outputs) {
    if (!has_value_[static_cast<std::size_t>(output)]) {
      throw InvalidModelError(graph_.name_of_tensor(static_cast<std::size_t>(output)) +
                              " is an output, and nothing writes it");
    }
  }
}

void ExecutionOrder::refuse(std::size_t index, const std::string& what) const {
  throw InvalidModelError(graph_.name_of_operator(index) + " " + what);
}

void ExecutionOrder::require_tensors(const std::vector<std::int32_t>& operands, std::size_t index,
                                     const char* role) const {
  for (const std::int32_t operand : operands) {
    if (operand != kNoOperand && !graph_.has_tensor(operand)) {
      refuse(index, std::string("has tensor ") + std::to_string(operand) + " as an " + role +
                        ", and its subgraph has " + std::to_string(has_value_.size()) + " tensors");
    }
  }
}

}  // namespace zerolite

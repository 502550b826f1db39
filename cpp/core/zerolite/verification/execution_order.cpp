#include "zerolite/verification/execution_order.hpp"

#include "zerolite/model/compiled_parts.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {
namespace {

constexpr std::int32_t kNoOperand = -1;

}  // namespace

ExecutionOrder::ExecutionOrder(const SubgraphView& graph)
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
  const CheckedOperator operation(graph_, index);
  const auto require_tensors = [&](const std::vector<std::int32_t>& operands, const char* role) {
    for (const std::int32_t operand : operands) {
      operation.require(operand == kNoOperand || graph_.has_tensor(operand), "has tensor ", operand, " as an ", role,
                        ", and its subgraph has ", has_value_.size(), " tensors");
    }
  };
  require_tensors(operation.details().inputs, "input");
  require_tensors(operation.details().intermediates, "intermediate tensor");
  require_tensors(operation.details().outputs, "output");
  // Compilers for other chips list the memory that the chip works in among the inputs. No kernel here reads it.
  const bool has_scratch = !chip_of(graph_.operator_code(index)).empty();
  for (const std::int32_t input : operation.details().inputs) {
    if (!has_scratch && input != kNoOperand && !has_value_[static_cast<std::size_t>(input)]) {
      operation.refuse("reads ", Operand(graph_, input).name(), ", which nothing has written");
    }
  }
  for (const std::int32_t output : operation.details().outputs) {
    operation.require(output != kNoOperand, "leaves an output out, and only inputs are optional");
    const Operand written(graph_, output);
    if (!written.constant().empty()) operation.refuse("writes ", written.name(), ", which is constant");
    if (is_given_[static_cast<std::size_t>(output)]) {
      operation.refuse("writes ", written.name(), ", which is an input of its subgraph or written by another operator");
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

}  // namespace zerolite

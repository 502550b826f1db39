#include "zerolite/verification/verification.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "zerolite/model/operator_names.hpp"
#include "zerolite/model/subgraph_view.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/verification/operator_check.hpp"
#include "zerolite/verification/subgraph_call_check.hpp"
#include "zerolite/verification/tensor_check.hpp"
#include "zerolite/verification/variable_check.hpp"

namespace zerolite {

std::string GraphView::name_of_tensor(std::size_t index) const {
  std::string name = description.tensors[index].name;
  name.resize(std::min(name.size(), name.find('\0')));  // where the error would end
  return "its tensor " + (name.empty() ? std::to_string(index) : "'" + name + "'");
}

std::string GraphView::name_of_operator(std::size_t index) const {
  return "its operator " + std::to_string(index) + " (" + name_of(operator_code(index)) + ")";
}

namespace {

constexpr std::int32_t kNoOperand = -1;

// Which tensors have values, and so memory, before an operator runs. The runtime runs operators in the file's order and
// gives memory to what they write: a tensor that nobody writes has none, and kernels read it all the same; one that is
// written twice has the size of what was written first or last (2.3.0).
class Execution {
 public:
  explicit Execution(const GraphView& graph)
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

  void run(std::size_t index) {
    const OperatorDetails& operation = graph_.details.operators[index];
    require_tensors(operation.inputs, index, "input");
    require_tensors(operation.intermediates, index, "intermediate tensor");
    require_tensors(operation.outputs, index, "output");
    for (const std::int32_t input : operation.inputs) {
      if (input != kNoOperand && !has_value_[static_cast<std::size_t>(input)]) {
        refuse(index,
               "reads " + graph_.name_of_tensor(static_cast<std::size_t>(input)) + ", which nothing has written");
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

  void finish() const {
    for (const std::int32_t output : graph_.description.outputs) {
      if (!has_value_[static_cast<std::size_t>(output)]) {
        throw InvalidModelError(graph_.name_of_tensor(static_cast<std::size_t>(output)) +
                                " is an output, and nothing writes it");
      }
    }
  }

 private:
  [[noreturn]] void refuse(std::size_t index, const std::string& what) const {
    throw InvalidModelError(graph_.name_of_operator(index) + " " + what);
  }

  void require_tensors(const std::vector<std::int32_t>& operands, std::size_t index, const char* role) const {
    for (const std::int32_t operand : operands) {
      if (operand != kNoOperand && !graph_.has_tensor(operand)) {
        refuse(index, std::string("has tensor ") + std::to_string(operand) + " as an " + role +
                          ", and its subgraph has " + std::to_string(has_value_.size()) + " tensors");
      }
    }
  }

  const GraphView& graph_;
  std::vector<bool> has_value_;
  std::vector<bool> is_given_;  // as an input of the subgraph, or by an operator
};

void verify_graphs(std::span<const std::byte> bytes, const ModelDescription& description, Verification level) {
  const ModelDetails details = ModelDetails::read(bytes);
  for (std::size_t i = 0; i < description.subgraphs.size(); ++i) {
    const GraphView graph{description, description.subgraphs[i], details.subgraphs[i]};
    for (std::size_t j = 0; j < graph.description.tensors.size(); ++j) check_tensor(graph, j);
    Execution execution(graph);
    for (std::size_t j = 0; j < graph.description.operators.size(); ++j) {
      execution.run(j);
      if (level == Verification::full) check_operator(graph, j);
    }
    execution.finish();
  }
  check_calls(description, details);
  if (level == Verification::full) check_variables(description, details);
}

}  // namespace

void verify(const ModelBytes& bytes, const ModelDescription& description, Verification level) {
  try {
    verify_graphs(bytes.span(), description, level);
  } catch (const InvalidModelError& error) {
    throw InvalidModelError(bytes.name() + " is not a sound TensorFlow Lite model: " + error.what() +
                            "; convert or download it again");
  }
}

}  // namespace zerolite

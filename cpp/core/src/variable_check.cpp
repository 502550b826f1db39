#include "zerolite/variable_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "zerolite/element_type.hpp"
#include "zerolite/error.hpp"
#include "zerolite/graph_view.hpp"
#include "zerolite/operator_numbers.hpp"

namespace zerolite {
namespace {

using builtin::Operator;

class Variables {
 public:
  // What is written has a size by its shape, unless the shape is open: a variable then holds what a run makes of it, or
  // the least that another operator writes.
  void note_writes(const GraphView& graph) {
    visit(graph, Operator::assign_variable,
          [&](std::size_t, const std::string& name, const OperatorDetails& operation) {
            const std::int32_t value = operation.inputs[1];
            if (std::ranges::find(graph.tensor_details(value).shape_signature, -1) !=
                graph.tensor_details(value).shape_signature.end()) {
              return;
            }
            const std::optional<std::size_t> size = byte_size(graph.tensor(value).type, graph.tensor(value).shape);
            if (!size) return;
            const auto [known, is_new] = sizes_.try_emplace(name, *size);
            if (!is_new) known->second = std::min(known->second, *size);
          });
  }

  void check_reads(const GraphView& graph) const {
    visit(graph, Operator::read_variable,
          [&](std::size_t index, const std::string& name, const OperatorDetails& operation) {
            const TensorDescription& output = graph.tensor(operation.outputs[0]);
            const auto known = sizes_.find(name);
            // A scalar takes the shape of the variable.
            if (output.shape.empty() || known == sizes_.end()) return;
            const std::optional<std::size_t> size = byte_size(output.type, output.shape);
            if (size && *size > known->second) {
              throw InvalidModelError(graph.name_of_operator(index) + " reads " + std::to_string(*size) +
                                      " bytes from variable '" + name + "', which holds " +
                                      std::to_string(known->second));
            }
          });
  }

 private:
  // Calls `use` for each operator of a kind whose variable has a name in this subgraph.
  template <typename Use>
  static void visit(const GraphView& graph, Operator kind, const Use& use) {
    std::map<std::int32_t, std::string> names;  // by the tensor that refers to a variable
    for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
      const auto code = static_cast<Operator>(graph.model.operator_codes[graph.description.operators[i]].builtin_code);
      const OperatorDetails& operation = graph.details.operators[i];
      if (code == Operator::var_handle) {
        names[operation.outputs[0]] = shared_name(operation);
      } else if (code == kind) {
        const auto found = names.find(operation.inputs[0]);
        if (found != names.end()) use(i, found->second, operation);
      }
    }
  }

  // Without settings it is a variable without a name, which all such operators share.
  static std::string shared_name(const OperatorDetails& operation) {
    constexpr std::uint8_t kVariableOptions = 111;
    constexpr unsigned kSharedName = 1;
    if (operation.options.type != kVariableOptions || !operation.options.table) return "";
    return std::string(operation.options.table->string(kSharedName));
  }

  std::map<std::string, std::size_t> sizes_;  // the least that is written, where that is known
};

}  // namespace

void check_variables(const ModelDescription& description, const ModelDetails& details) {
  Variables variables;
  for (std::size_t i = 0; i < details.subgraphs.size(); ++i) {
    variables.note_writes({description, description.subgraphs[i], details.subgraphs[i]});
  }
  for (std::size_t i = 0; i < details.subgraphs.size(); ++i) {
    variables.check_reads({description, description.subgraphs[i], details.subgraphs[i]});
  }
}

}  // namespace zerolite

#include "zerolite/verification/variable_check.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "zerolite/model/variable_operators.hpp"
#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {
namespace {

using Kind = VariableOperator::Kind;

class Variables {
 public:
  // What is written has a size by its shape, unless the shape is open: a variable then holds what a run makes of it, or
  // what another operator writes.
  void note_writes(const SubgraphView& graph) {
    for (const VariableOperator& operation : variable_operators(graph)) {
      const std::optional<std::size_t> size = known_size(graph, operation);
      if (operation.kind != Kind::assign || !size) continue;
      const auto [known, is_new] = sizes_.try_emplace(operation.variable, *size);
      if (is_new || known->second == *size) continue;
      refuse(graph, operation, "writes", *size, known->second);
    }
  }

  void check_reads(const SubgraphView& graph) const {
    for (const VariableOperator& operation : variable_operators(graph)) {
      const std::optional<std::size_t> size = known_size(graph, operation);
      const auto known = sizes_.find(operation.variable);
      if (operation.kind != Kind::read || !size || known == sizes_.end()) continue;
      if (*size > known->second) refuse(graph, operation, "reads", *size, known->second);
    }
  }

 private:
  [[noreturn]] static void refuse(const SubgraphView& graph, const VariableOperator& operation, const std::string& verb,
                                  std::size_t size, std::size_t known) {
    const std::string place = operation.kind == Kind::read ? " bytes from variable '" : " bytes to variable '";
    CheckedOperator(graph, operation.index)
        .refuse(verb, " ", size, place, operation.variable, "', which holds ", known);
  }

  std::map<std::string, std::size_t> sizes_;  // where they are known
};

}  // namespace

void check_variables(const ModelInterface& interface, const ModelContents& contents) {
  Variables variables;
  for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
    variables.note_writes({interface, interface.subgraphs[i], contents.subgraphs[i]});
  }
  for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
    variables.check_reads({interface, interface.subgraphs[i], contents.subgraphs[i]});
  }
}

}  // namespace zerolite

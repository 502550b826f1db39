// The operators that read variables and write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

struct VariableOperator {
  enum class Kind { read, assign };

  std::size_t index;     // among the operators of its subgraph
  std::string variable;  // its name, which it has in every subgraph
  Kind kind;
  std::int32_t tensor;  // where it is read to, or what is assigned
};

// Whether any operator of the model writes to a variable. Most models have none; then nothing else has to be looked at.
bool assigns_variables(const ModelInterface& model);

// The name that a VAR_HANDLE gives its variable, the same in every subgraph: "shared name" or "container/shared name".
std::string name_of_variable(const OperatorDetails& handle);

// Which variables the tensors of a subgraph refer to, by the tensor.
using VariableNames = std::map<std::int32_t, std::set<std::string>>;

// For each subgraph, what the operators that run it hand to it. References that a loop exchanges for one another all
// stand for each of their variables. Operators have their operands, calls lead to subgraphs that there are, and none
// back to where they came from.
std::vector<VariableNames> passed_variables(const ModelInterface& interface, const ModelContents& contents);

// Those whose variable has a name in their subgraph, or is among what is passed to it; one for each variable that they
// may work on. Operators have their operands.
std::vector<VariableOperator> variable_operators(const SubgraphView& graph, VariableNames passed = {});

// How many bytes an operator reads or writes; nothing where that is known after a run only. An output without
// dimensions takes the shape of its variable.
std::optional<std::size_t> known_size(const SubgraphView& graph, const VariableOperator& operation);

// How many bytes all variables that are assigned hold, as far as the file tells.
std::size_t size_of_variables(const ModelInterface& interface, const ModelContents& contents);

}  // namespace zerolite

// The operators that read variables and write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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

// Those whose variable has a name in their subgraph. Operators have their operands.
std::vector<VariableOperator> variable_operators(const SubgraphView& graph);

// How many bytes an operator reads or writes; nothing where that is known after a run only. An output without
// dimensions takes the shape of its variable.
std::optional<std::size_t> known_size(const SubgraphView& graph, const VariableOperator& operation);

}  // namespace zerolite

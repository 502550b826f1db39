// An operator of a file, as the checks of what its kernel relies on see it.
#pragma once

#include <cstddef>
#include <string>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

class CheckedOperator {
 public:
  CheckedOperator(const GraphView& graph, std::size_t index)
      : graph_(graph), index_(index), code_(graph.operator_code(index)), operation_(graph.details.operators[index]) {}

 protected:
  ~CheckedOperator() = default;

  // Throws InvalidModelError, which names the operator.
  [[noreturn]] void refuse(const std::string& what) const;

  [[nodiscard]] Operator kind() const { return kind_of(code_); }
  // The options of its kind, which it has to have.
  [[nodiscard]] flatbuffer::Table options() const;

  const GraphView& graph_;
  std::size_t index_;
  const OperatorCode& code_;
  const OperatorDetails& operation_;
};

}  // namespace zerolite

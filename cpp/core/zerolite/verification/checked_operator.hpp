// An operator of a file, as the checks of what its kernel relies on see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/operator_numbers.hpp"
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

  [[nodiscard]] builtin::Operator kind() const { return static_cast<builtin::Operator>(code_.builtin_code); }
  // The settings of a type of the schema's unions of options.
  [[nodiscard]] const flatbuffer::Table& options(std::uint8_t type) const { return table_of(operation_.options, type); }
  [[nodiscard]] const flatbuffer::Table& options_2(std::uint8_t type) const {
    return table_of(operation_.options_2, type);
  }

  const GraphView& graph_;
  std::size_t index_;
  const OperatorCode& code_;
  const OperatorDetails& operation_;

 private:
  [[nodiscard]] const flatbuffer::Table& table_of(const OperatorOptions& options, std::uint8_t type) const;
};

}  // namespace zerolite

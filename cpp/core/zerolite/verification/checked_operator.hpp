// An operator of a file, as the checks of what its kernel relies on see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/model/subgraph_view.hpp"
#include "zerolite/verification/refusal.hpp"

namespace zerolite {

// A tensor that an operator reads or writes.
class Operand {
 public:
  Operand(const SubgraphView& graph, std::int32_t index) : graph_(graph), index_(index) {}

  [[nodiscard]] const std::vector<std::int32_t>& shape() const { return graph_.tensor(index_).shape; }
  [[nodiscard]] ElementType type() const { return graph_.tensor(index_).type; }
  [[nodiscard]] bool is_empty() const { return graph_.tensor(index_).is_empty(); }
  // Else its shape is empty because nothing is known of it.
  [[nodiscard]] bool has_rank() const { return graph_.tensor_details(index_).has_rank; }
  [[nodiscard]] bool is_sparse() const { return graph_.tensor_details(index_).sparsity.has_value(); }
  [[nodiscard]] bool is_variable() const { return graph_.tensor_details(index_).is_variable; }
  [[nodiscard]] const std::vector<float>& scales() const { return graph_.tensor_details(index_).scales; }
  // None for what a run computes.
  [[nodiscard]] std::span<const std::byte> constant() const { return graph_.tensor_details(index_).constant; }
  [[nodiscard]] std::string name() const { return graph_.name_of_tensor(static_cast<std::size_t>(index_)); }

 private:
  const SubgraphView& graph_;
  std::int32_t index_;
};

class CheckedOperator : public Refusing<CheckedOperator> {
 public:
  CheckedOperator(const SubgraphView& graph, std::size_t index)
      : graph_(graph), index_(index), details_(graph.details.operators[index]) {}

  [[nodiscard]] std::string who() const { return graph_.name_of_operator(index_) + " "; }
  [[nodiscard]] Operator kind() const { return kind_of(graph_.operator_code(index_)); }
  [[nodiscard]] const std::string& custom_code() const { return graph_.operator_code(index_).custom_code; }
  [[nodiscard]] const OperatorDetails& details() const { return details_; }
  // The options of its kind, which it has to have.
  [[nodiscard]] flatbuffer::Table options() const;

  [[nodiscard]] bool has_input(std::size_t position) const {
    return position < details_.inputs.size() && details_.inputs[position] >= 0;
  }
  [[nodiscard]] Operand input(std::size_t position) const { return {graph_, details_.inputs[position]}; }
  [[nodiscard]] Operand output(std::size_t position = 0) const { return {graph_, details_.outputs[position]}; }
  // The operator that computes an input; nothing for what is constant or comes from without.
  [[nodiscard]] std::optional<CheckedOperator> writer_of(std::size_t input) const;

  // For the rules of operands.
  [[nodiscard]] const std::vector<std::int32_t>& shape(std::size_t position) const { return input(position).shape(); }
  [[nodiscard]] ElementType type(std::size_t position) const { return input(position).type(); }
  [[nodiscard]] std::span<const std::byte> constant(std::size_t position) const { return input(position).constant(); }

 private:
  const SubgraphView& graph_;
  std::size_t index_;
  const OperatorDetails& details_;
};

}  // namespace zerolite

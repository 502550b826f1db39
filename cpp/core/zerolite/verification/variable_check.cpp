#include "zerolite/verification/variable_check.hpp"

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/model/dependent_shapes.hpp"
#include "zerolite/model/variable_operators.hpp"
#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {
namespace {

using Kind = VariableOperator::Kind;

class Variables {
 public:
  // What is written has a size by its shape, unless the shape is open: a variable then holds what a run makes of it, or
  // what another operator writes.
  void note_writes(const SubgraphView& graph, const VariableNames& passed) {
    require_names(graph, passed);
    const std::set<std::int32_t> dependent = tensors_of_dependent_shape(graph);
    for (const VariableOperator& operation : variable_operators(graph, passed)) {
      const std::optional<std::size_t> size = known_size(graph, operation);
      if (operation.kind == Kind::assign && dependent.contains(operation.tensor)) dependent_.insert(operation.variable);
      if (operation.kind != Kind::assign || !size) continue;
      const auto [known, is_new] = sizes_.try_emplace(operation.variable, *size);
      if (is_new || known->second == *size) continue;
      refuse(graph, operation, "writes", *size, known->second);
    }
  }

  void check_reads(const SubgraphView& graph, const VariableNames& passed) const {
    for (const VariableOperator& operation : variable_operators(graph, passed)) {
      const std::optional<std::size_t> size = known_size(graph, operation);
      if (operation.kind != Kind::read || !size) continue;
      if (dependent_.contains(operation.variable)) {
        CheckedOperator(graph, operation.index)
            .refuse("reads ", *size, " bytes from variable '", operation.variable,
                    "', and values of a run decide how much is written to it");
      }
      const auto known = sizes_.find(operation.variable);
      if (known == sizes_.end()) continue;
      if (*size > known->second) refuse(graph, operation, "reads", *size, known->second);
    }
  }

 private:
  // The kernels take any number for that of a variable, and hash tables have the same numbers.
  static void require_names(const SubgraphView& graph, const VariableNames& passed) {
    std::set<std::size_t> named;
    for (const VariableOperator& operation : variable_operators(graph, passed)) named.insert(operation.index);
    for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
      const CheckedOperator operation(graph, i);
      const bool uses_variable =
          operation.kind() == Operator::READ_VARIABLE || operation.kind() == Operator::ASSIGN_VARIABLE;
      operation.require(!uses_variable || named.contains(i),
                        "works on a variable that no VAR_HANDLE of this subgraph or of those that run it names");
    }
  }

  [[noreturn]] static void refuse(const SubgraphView& graph, const VariableOperator& operation, const std::string& verb,
                                  std::size_t size, std::size_t known) {
    const std::string place = operation.kind == Kind::read ? " bytes from variable '" : " bytes to variable '";
    CheckedOperator(graph, operation.index)
        .refuse(verb, " ", size, place, operation.variable, "', which holds ", known);
  }

  std::map<std::string, std::size_t> sizes_;  // where they are known
  std::set<std::string> dependent_;           // whose size is not, whatever the shape in the file says
};

// Variables and hash tables are kept under numbers of one row, and one is taken for the other without looking
// (LiteRT 2.3.0). Variables have the first ones.
class Tables {
 public:
  Tables(const ModelInterface& interface, const ModelContents& contents) {
    for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
      const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
      for (std::size_t j = 0; j < graph.details.operators.size(); ++j) {
        if (kind_of(graph.operator_code(j)) == Operator::VAR_HANDLE) ++variables_;
      }
    }
  }

  void check(const SubgraphView& graph, const VariableNames& variables) const {
    constexpr unsigned kNumber = 0;
    for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
      const CheckedOperator operation(graph, i);
      if (operation.kind() == Operator::HASHTABLE) {
        const auto number = operation.options().scalar<std::int32_t>(kNumber, 0);
        operation.require(number < 0 || std::cmp_greater_equal(number, variables_), "makes table ", number,
                          ", which is the number of a variable; ", variables_, " or more is expected");
      } else if (works_on_table(operation.kind())) {
        operation.require(operation.has_input(0) && !variables.contains(operation.details().inputs[0]),
                          "takes a variable for a table");
      }
    }
  }

 private:
  static bool works_on_table(Operator kind) {
    return kind == Operator::HASHTABLE_FIND || kind == Operator::HASHTABLE_IMPORT || kind == Operator::HASHTABLE_SIZE;
  }

  std::size_t variables_ = 0;
};

// What an operand has to be where the first input is of some type.
struct TypeRule {
  Operator kind;
  ElementType input;
  std::size_t operand;
  ElementType expected;
};

// The states of operators whose kernel takes them for float32 also where weights are int8, and those of the integer
// kernels. SVDF keeps products of 8 bits by 16 (int8 is what TensorFlow Lite Micro has there).
constexpr std::array kTypeRules = {
    TypeRule{Operator::SVDF, ElementType::float32, 4, ElementType::float32},
    TypeRule{Operator::SVDF, ElementType::int8, 1, ElementType::int8},
    TypeRule{Operator::SVDF, ElementType::int8, 2, ElementType::int16},
    TypeRule{Operator::SVDF, ElementType::int8, 3, ElementType::int32},
    TypeRule{Operator::SVDF, ElementType::int8, 4, ElementType::int16},
    TypeRule{Operator::RNN, ElementType::float32, 4, ElementType::float32},
    TypeRule{Operator::UNIDIRECTIONAL_SEQUENCE_RNN, ElementType::float32, 4, ElementType::float32},
    TypeRule{Operator::BIDIRECTIONAL_SEQUENCE_RNN, ElementType::float32, 4, ElementType::float32},
    TypeRule{Operator::BIDIRECTIONAL_SEQUENCE_RNN, ElementType::float32, 8, ElementType::float32},
    TypeRule{Operator::LSTM, ElementType::float32, 18, ElementType::float32},
    TypeRule{Operator::LSTM, ElementType::float32, 19, ElementType::float32},
    TypeRule{Operator::LSTM, ElementType::int8, 18, ElementType::int8},
    TypeRule{Operator::LSTM, ElementType::int8, 19, ElementType::int16},
    TypeRule{Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, ElementType::float32, 18, ElementType::float32},
    TypeRule{Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, ElementType::float32, 19, ElementType::float32},
    TypeRule{Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, ElementType::int8, 18, ElementType::int8},
    TypeRule{Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, ElementType::int8, 19, ElementType::int16},
    TypeRule{Operator::BIDIRECTIONAL_SEQUENCE_LSTM, ElementType::float32, 35, ElementType::float32},
    TypeRule{Operator::BIDIRECTIONAL_SEQUENCE_LSTM, ElementType::float32, 36, ElementType::float32},
    TypeRule{Operator::BIDIRECTIONAL_SEQUENCE_LSTM, ElementType::float32, 37, ElementType::float32},
    TypeRule{Operator::BIDIRECTIONAL_SEQUENCE_LSTM, ElementType::float32, 38, ElementType::float32},
};

}  // namespace

void check_variables(const ModelInterface& interface, const ModelContents& contents) {
  Variables variables;
  const Tables tables(interface, contents);
  const std::vector<VariableNames> passed = passed_variables(interface, contents);
  for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
    variables.note_writes({interface, interface.subgraphs[i], contents.subgraphs[i]}, passed[i]);
  }
  for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
    const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
    variables.check_reads(graph, passed[i]);
    tables.check(graph, passed[i]);
  }
}

void check_state_types(const SubgraphView& graph, std::size_t index) {
  const CheckedOperator operation(graph, index);
  if (!operation.has_input(0)) return;
  for (const TypeRule& rule : kTypeRules) {
    if (rule.kind != operation.kind() || rule.input != operation.type(0) || !operation.has_input(rule.operand))
      continue;
    const Operand operand = operation.input(rule.operand);
    operation.require(operand.type() == rule.expected, "has an input of ", rule.input, ", and ", operand.name(),
                      " of the type ", operand.type(), ", where its kernel takes ", rule.expected);
  }
}

}  // namespace zerolite

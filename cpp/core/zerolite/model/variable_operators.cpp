#include "zerolite/model/variable_operators.hpp"

#include <algorithm>
#include <utility>

#include "zerolite/model/operators.hpp"
#include "zerolite/tensor/element_type.hpp"

namespace zerolite {
namespace {

bool add(VariableNames& names, std::int32_t tensor, const std::set<std::string>& more) {
  std::set<std::string>& known = names[tensor];
  const std::size_t before = known.size();
  known.insert(more.begin(), more.end());
  return known.size() != before;
}

// Follows references into the subgraphs that operators run, and through what loops hand on.
class PassedVariables {
 public:
  PassedVariables(const ModelInterface& interface, const ModelContents& contents)
      : interface_(interface), contents_(contents), names_(contents.subgraphs.size()) {}

  std::vector<VariableNames> follow() {
    for (bool is_new = true; is_new;) {
      is_new = false;
      for (std::size_t i = 0; i < names_.size(); ++i) is_new |= pass_on(i);
    }
    return std::move(names_);
  }

 private:
  bool pass_on(std::size_t subgraph) {
    const SubgraphView graph{interface_, interface_.subgraphs[subgraph], contents_.subgraphs[subgraph]};
    bool is_new = false;
    for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
      const OperatorDetails& operation = graph.details.operators[i];
      const Operator kind = kind_of(graph.operator_code(i));
      if (kind == Operator::VAR_HANDLE) {
        is_new |= add(names_[subgraph], operation.outputs[0], {name_of_variable(operation)});
        continue;
      }
      const std::optional<flatbuffer::Table> options = options_of(kind, operation);
      if (!options) continue;
      for (const unsigned field : callees(kind)) {
        const auto callee = static_cast<std::size_t>(options->scalar<std::int32_t>(field, 0));
        is_new |= pass(subgraph, operation, callee, kind == Operator::IF ? 1 : 0);
        if (kind == Operator::WHILE) is_new |= pass_around(subgraph, operation, callee);
      }
    }
    return is_new;
  }

  bool pass(std::size_t subgraph, const OperatorDetails& operation, std::size_t callee, std::size_t first) {
    const std::vector<std::int32_t>& inputs = interface_.subgraphs[callee].inputs;
    bool is_new = false;
    for (std::size_t i = 0; i < inputs.size() && first + i < operation.inputs.size(); ++i) {
      const auto known = names_[subgraph].find(operation.inputs[first + i]);
      if (known != names_[subgraph].end()) is_new |= add(names_[callee], inputs[i], known->second);
    }
    return is_new;
  }

  // What comes out of a body goes in again, and out of the loop.
  bool pass_around(std::size_t subgraph, const OperatorDetails& operation, std::size_t body) {
    const SubgraphDescription& graph = interface_.subgraphs[body];
    if (graph.outputs.size() != graph.inputs.size() || operation.outputs.size() != graph.outputs.size()) return false;
    bool is_new = false;
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
      const auto known = names_[body].find(graph.outputs[i]);
      if (known == names_[body].end()) continue;
      const std::set<std::string> names = known->second;
      is_new |= add(names_[body], graph.inputs[i], names);
      is_new |= add(names_[subgraph], operation.outputs[i], names);
    }
    return is_new;
  }

  const ModelInterface& interface_;
  const ModelContents& contents_;
  std::vector<VariableNames> names_;
};

}  // namespace

// Without settings it is a variable without a name, which all such operators share.
std::string name_of_variable(const OperatorDetails& handle) {
  constexpr unsigned kContainer = 0;
  constexpr unsigned kSharedName = 1;
  const std::optional<flatbuffer::Table> options = options_of(Operator::VAR_HANDLE, handle);
  if (!options) return "";
  const std::string container(options->string(kContainer));
  return (container.empty() ? container : container + "/") + std::string(options->string(kSharedName));
}

bool assigns_variables(const ModelInterface& model) {
  return std::ranges::any_of(model.operator_codes,
                             [](const OperatorCode& code) { return kind_of(code) == Operator::ASSIGN_VARIABLE; });
}

std::vector<VariableNames> passed_variables(const ModelInterface& interface, const ModelContents& contents) {
  return PassedVariables(interface, contents).follow();
}

std::vector<VariableOperator> variable_operators(const SubgraphView& graph, VariableNames passed) {
  std::vector<VariableOperator> found;
  for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
    const auto code = kind_of(graph.operator_code(i));
    const OperatorDetails& operation = graph.details.operators[i];
    if (code == Operator::VAR_HANDLE) {
      passed[operation.outputs[0]].insert(name_of_variable(operation));
      continue;
    }
    if (code != Operator::READ_VARIABLE && code != Operator::ASSIGN_VARIABLE) continue;
    const auto names = passed.find(operation.inputs[0]);
    if (names == passed.end()) continue;
    const bool is_read = code == Operator::READ_VARIABLE;
    for (const std::string& name : names->second) {
      found.push_back({i, name, is_read ? VariableOperator::Kind::read : VariableOperator::Kind::assign,
                       is_read ? operation.outputs[0] : operation.inputs[1]});
    }
  }
  return found;
}

std::optional<std::size_t> known_size(const SubgraphView& graph, const VariableOperator& operation) {
  const TensorDescription& tensor = graph.tensor(operation.tensor);
  const std::vector<std::int32_t>& signature = graph.tensor_details(operation.tensor).shape_signature;
  const bool is_open = operation.kind == VariableOperator::Kind::read
                           ? tensor.shape.empty()
                           : std::ranges::find(signature, -1) != signature.end();
  return is_open ? std::nullopt : byte_size(tensor.type, tensor.shape);
}

std::size_t size_of_variables(const ModelInterface& interface, const ModelContents& contents) {
  const std::vector<VariableNames> passed = passed_variables(interface, contents);
  std::map<std::string, std::size_t> sizes;
  for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
    const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
    for (const VariableOperator& operation : variable_operators(graph, passed[i])) {
      if (operation.kind != VariableOperator::Kind::assign) continue;
      std::size_t& size = sizes[operation.variable];
      size = std::max(size, known_size(graph, operation).value_or(0));
    }
  }
  std::size_t sum = 0;
  for (const auto& [name, size] : sizes) sum += size;
  return sum;
}

}  // namespace zerolite

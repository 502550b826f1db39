#include "zerolite/verification/subgraph_call_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/platform/error.hpp"
#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {
namespace {

// The kernel prepares all subgraphs but the first, whichever it runs (LiteRT 2.3.0).
std::vector<std::size_t> subgraphs_run_by_case(const CheckedOperator& operation, std::size_t count) {
  constexpr unsigned kBranches = 0;
  const flatbuffer::Vector branches = operation.options().scalars<std::int32_t>(kBranches);
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const auto subgraph = branches.scalar<std::int32_t>(i);
    operation.require(subgraph >= 1 && std::cmp_less(subgraph, count), "runs subgraph ", subgraph,
                      ", and 1 or more is expected, and less than ", count);
  }
  // It looks for as many branches as there are other subgraphs.
  operation.require(branches.size() + 1 >= count, "has ", branches.size(), " branches, and ", count - 1,
                    " are expected, one for each subgraph but the first");
  std::vector<std::size_t> called;
  for (std::size_t i = 1; i < count; ++i) called.push_back(i);
  return called;
}

// By its options. Whether there is an operand is another check.
std::vector<std::size_t> subgraphs_run_by(const CheckedOperator& operation, std::size_t count) {
  std::vector<std::size_t> called;
  if (operation.kind() == Operator::STABLEHLO_CASE) return subgraphs_run_by_case(operation, count);
  const std::span<const unsigned> fields = callees(operation.kind());
  if (fields.empty()) return called;
  const std::optional<flatbuffer::Table> options = options_of(operation.kind(), operation.details());
  if (!options) operation.refuse("has no options that say which subgraph it runs");
  for (const unsigned field : fields) {
    const auto subgraph = options->scalar<std::int32_t>(field, 0);
    operation.require(subgraph >= 0 && std::cmp_less(subgraph, count), "runs subgraph ", subgraph,
                      ", and the model has ", count);
    called.push_back(static_cast<std::size_t>(subgraph));
  }
  return called;
}

// The kernels copy values both ways, or let a subgraph write into memory of their outputs, and give one the types of
// the other without looking (LiteRT 2.3.0).
void require_same_types(const CheckedOperator& operation, const SubgraphView& graph, std::span<const std::int32_t> own,
                        const SubgraphDescription& callee, std::span<const std::int32_t> others,
                        const std::string& what) {
  operation.require(own.size() == others.size(), "has ", own.size(), what, ", and the subgraph that it runs has ",
                    others.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    operation.require(own[i] >= 0 && others[i] >= 0, "leaves out one of its", what);
    const ElementType type = graph.tensor(own[i]).type;
    const ElementType other = callee.tensors[static_cast<std::size_t>(others[i])].type;
    operation.require(type == other, "has ", type, " among its", what, ", where the subgraph that it runs has ", other);
  }
}

// Whether an operator of the subgraph reads by sizes that only the shapes in the file were held against.
bool reads_by_declared_shapes(const SubgraphView& graph) {
  for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
    if (graph.operator_code(i).custom_code == "TFLite_Detection_PostProcess") return true;
  }
  return false;
}

// The kernels give a subgraph the shapes of what it is run with.
void require_declared_shapes(const CheckedOperator& operation, const SubgraphView& graph,
                             std::span<const std::int32_t> own, const SubgraphView& callee) {
  if (!reads_by_declared_shapes(callee)) return;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const std::vector<std::int32_t>& shape = graph.tensor(own[i]).shape;
    const std::vector<std::int32_t>& declared = callee.tensor(callee.description.inputs[i]).shape;
    operation.require(shape == declared, "runs a subgraph with a detection on the shape ", shape,
                      ", and that subgraph is for ", declared);
  }
}

// Whether a kernel computes what it writes while it is prepared, where all that it reads is known by then.
bool computes_early(Operator kind) {
  switch (kind) {
    case Operator::BROADCAST_ARGS:
    case Operator::CONCATENATION:
    case Operator::GATHER:
    case Operator::MEAN:
    case Operator::MUL:
    case Operator::RANGE:
    case Operator::REDUCE_ALL:
    case Operator::REDUCE_ANY:
    case Operator::REDUCE_MAX:
    case Operator::REDUCE_MIN:
    case Operator::REDUCE_PROD:
    case Operator::RESHAPE:
    case Operator::STRIDED_SLICE:
    case Operator::SUM:
    case Operator::TILE:
      return true;
    default:
      return false;
  }
}

// The operator that computes an output of a subgraph while it is prepared, into memory of the output's own. What runs
// the subgraph puts other memory in its place, and the runtime gives back one of them twice (LiteRT 2.3.0).
std::optional<std::size_t> early_output(const SubgraphView& graph) {
  std::map<std::int32_t, std::size_t> early;  // by what they write
  const auto is_known = [&](std::int32_t tensor) {
    return tensor < 0 || early.contains(tensor) || !graph.tensor_details(tensor).constant.empty();
  };
  for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
    const OperatorDetails& operation = graph.details.operators[i];
    const Operator kind = kind_of(graph.operator_code(i));
    const bool is_early = kind == Operator::SHAPE || kind == Operator::RANK ||
                          (computes_early(kind) && std::ranges::all_of(operation.inputs, is_known));
    if (!is_early) continue;
    for (const std::int32_t output : operation.outputs) early.emplace(output, i);
  }
  for (const std::int32_t output : graph.description.outputs) {
    if (const auto found = early.find(output); found != early.end()) return found->second;
  }
  return std::nullopt;
}

void require_late_outputs(const CheckedOperator& operation, const SubgraphView& callee) {
  const std::optional<std::size_t> early = early_output(callee);
  if (!early) return;
  operation.refuse("runs a subgraph whose result ", callee.name_of_operator(*early),
                   " computes while it is prepared, and its kernel takes results of a run");
}

void check_call(const SubgraphView& graph, const ModelContents& contents, std::size_t index) {
  const CheckedOperator operation(graph, index);
  const std::vector<std::size_t> called = subgraphs_run_by(operation, graph.model.subgraphs.size());
  std::span<const std::int32_t> inputs = operation.details().inputs;
  const std::span<const std::int32_t> outputs = operation.details().outputs;
  const auto check_inputs = [&](std::size_t subgraph) {
    const SubgraphDescription& callee = graph.model.subgraphs[subgraph];
    require_same_types(operation, graph, inputs, callee, callee.inputs, " inputs");
    require_declared_shapes(operation, graph, inputs, {graph.model, callee, contents.subgraphs[subgraph]});
  };
  const auto check_outputs = [&](const SubgraphDescription& subgraph) {
    require_same_types(operation, graph, outputs, subgraph, subgraph.outputs, " outputs");
  };
  const std::vector<SubgraphDescription>& subgraphs = graph.model.subgraphs;
  switch (operation.kind()) {
    case Operator::STABLEHLO_COMPOSITE:
    case Operator::IF:
    case Operator::STABLEHLO_CASE:
      if (operation.kind() != Operator::STABLEHLO_COMPOSITE) {
        operation.require(operation.has_input(0), "leaves out its condition");
        inputs = inputs.subspan(1);
      }
      for (const std::size_t subgraph : called) {
        check_inputs(subgraph);
        check_outputs(subgraphs[subgraph]);
        require_late_outputs(operation, {graph.model, subgraphs[subgraph], contents.subgraphs[subgraph]});
      }
      return;
    case Operator::WHILE:
      for (const std::size_t subgraph : called) check_inputs(subgraph);
      return check_outputs(subgraphs[called[1]]);
    default:
      return;
  }
}

class Calls {
 public:
  Calls(const ModelInterface& interface, const ModelContents& contents)
      : called_(interface.subgraphs.size()), states_(interface.subgraphs.size()) {
    for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
      const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
      for (std::size_t j = 0; j < graph.details.operators.size(); ++j) {
        const std::vector<std::size_t> called = subgraphs_run_by(CheckedOperator(graph, j), called_.size());
        called_[i].insert(called_[i].end(), called.begin(), called.end());
      }
    }
  }

  // In a loop of our own: a file can nest calls more deeply than a stack goes.
  void require_no_circle() {
    for (std::size_t start = 0; start < called_.size(); ++start) {
      std::vector<std::size_t> path;
      enter(start, path);
      while (!path.empty()) {
        State& state = states_[path.back()];
        if (state.next == called_[path.back()].size()) {
          state.finished = true;
          path.pop_back();
        } else {
          enter(called_[path.back()][state.next++], path);
        }
      }
    }
  }

 private:
  struct State {
    bool entered = false;
    bool finished = false;
    std::size_t next = 0;
  };

  void enter(std::size_t subgraph, std::vector<std::size_t>& path) {
    State& state = states_[subgraph];
    if (state.finished) return;
    if (state.entered) {
      throw InvalidModelError("its subgraph " + std::to_string(subgraph) +
                              " runs itself, by way of its operators, without an end");
    }
    state.entered = true;
    path.push_back(subgraph);
  }

  std::vector<std::vector<std::size_t>> called_;
  std::vector<State> states_;
};

}  // namespace

void check_calls(const ModelInterface& interface, const ModelContents& contents) {
  Calls(interface, contents).require_no_circle();
  for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
    const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
    for (std::size_t j = 0; j < graph.details.operators.size(); ++j) check_call(graph, contents, j);
  }
}

}  // namespace zerolite

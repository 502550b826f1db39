#include "zerolite/verification/subgraph_call_check.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/platform/error.hpp"
#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {
namespace {

class Calls {
 public:
  Calls(const ModelInterface& interface, const ModelContents& contents)
      : called_(interface.subgraphs.size()), states_(interface.subgraphs.size()) {
    for (std::size_t i = 0; i < contents.subgraphs.size(); ++i) {
      const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
      for (std::size_t j = 0; j < graph.details.operators.size(); ++j) read(graph, j, called_[i]);
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

  void read(const SubgraphView& graph, std::size_t index, std::vector<std::size_t>& called) const {
    const CheckedOperator operation(graph, index);
    const std::span<const unsigned> fields = callees(operation.kind());
    if (fields.empty()) return;
    const std::optional<flatbuffer::Table> options = options_of(operation.kind(), operation.details());
    if (!options) operation.refuse("has no options that say which subgraph it runs");
    for (const unsigned field : fields) {
      const auto subgraph = options->scalar<std::int32_t>(field, 0);
      operation.require(subgraph >= 0 && std::cmp_less(subgraph, called_.size()), "runs subgraph ", subgraph,
                        ", and the model has ", called_.size());
      called.push_back(static_cast<std::size_t>(subgraph));
    }
    if (operation.kind() == Operator::STABLEHLO_COMPOSITE) {
      const SubgraphDescription& decomposition = graph.model.subgraphs[called.back()];
      require_same_types(operation, graph, operation.details().inputs, decomposition, decomposition.inputs, " inputs");
      require_same_types(operation, graph, operation.details().outputs, decomposition, decomposition.outputs,
                         " outputs");
    }
  }

  // The kernel copies values both ways, and gives its outputs the types of the subgraph's (LiteRT 2.3.0).
  static void require_same_types(const CheckedOperator& operation, const SubgraphView& graph,
                                 const std::vector<std::int32_t>& own, const SubgraphDescription& callee,
                                 const std::vector<std::int32_t>& others, const std::string& what) {
    operation.require(own.size() == others.size(), "has ", own.size(), what, ", and the subgraph that it runs has ",
                      others.size());
    for (std::size_t i = 0; i < own.size(); ++i) {
      operation.require(own[i] >= 0 && others[i] >= 0, "leaves out one of its", what);
      const ElementType type = graph.tensor(own[i]).type;
      const ElementType other = callee.tensors[static_cast<std::size_t>(others[i])].type;
      operation.require(type == other, "has ", type, " among its", what, ", where the subgraph that it runs has ",
                        other);
    }
  }

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
}

}  // namespace zerolite

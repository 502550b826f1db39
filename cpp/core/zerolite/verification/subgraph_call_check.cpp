#include "zerolite/verification/subgraph_call_check.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "zerolite/model/subgraph_view.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

constexpr int kNone = -1;

// Numbers of TensorFlow Lite's schema: an operator, the type of its options, and the fields that hold a subgraph.
struct Caller {
  std::int32_t code;
  bool in_second_union;
  std::uint8_t options;
  std::array<int, 2> fields;
};

constexpr auto kCallers = std::to_array<Caller>({
    {31, false, 16, {0, kNone}},    // CALL
    {118, false, 92, {0, 1}},       // IF
    {119, false, 93, {0, 1}},       // WHILE
    {129, false, 103, {0, kNone}},  // CALL_ONCE
    {174, true, 6, {1, kNone}},     // STABLEHLO_REDUCE
    {190, true, 7, {6, kNone}},     // STABLEHLO_SCATTER
    {198, true, 13, {5, kNone}},    // STABLEHLO_REDUCE_WINDOW
    {199, true, 14, {2, kNone}},    // STABLEHLO_SORT
    {200, true, 15, {0, 1}},        // STABLEHLO_WHILE
    {206, true, 21, {1, kNone}},    // STABLEHLO_COMPOSITE
});

class Calls {
 public:
  Calls(const ModelDescription& description, const ModelDetails& details)
      : called_(description.subgraphs.size()), states_(description.subgraphs.size()) {
    for (std::size_t i = 0; i < details.subgraphs.size(); ++i) {
      const GraphView graph{description, description.subgraphs[i], details.subgraphs[i]};
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

  void read(const GraphView& graph, std::size_t index, std::vector<std::size_t>& called) const {
    const std::int32_t code = graph.operator_code(index).builtin_code;
    const auto* const caller = std::ranges::find(kCallers, code, &Caller::code);
    if (caller == kCallers.end()) return;
    const OperatorDetails& operation = graph.details.operators[index];
    const OperatorOptions& options = caller->in_second_union ? operation.options_2 : operation.options;
    if (options.type != caller->options || !options.table) {
      throw InvalidModelError(graph.name_of_operator(index) + " has no options that say which subgraph it runs");
    }
    for (const int field : caller->fields) {
      if (field == kNone) continue;
      const auto subgraph = options.table->scalar<std::int32_t>(static_cast<unsigned>(field), 0);
      if (subgraph < 0 || static_cast<std::size_t>(subgraph) >= called_.size()) {
        throw InvalidModelError(graph.name_of_operator(index) + " runs subgraph " + std::to_string(subgraph) +
                                ", and the model has " + std::to_string(called_.size()));
      }
      called.push_back(static_cast<std::size_t>(subgraph));
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

void check_calls(const ModelDescription& description, const ModelDetails& details) {
  Calls(description, details).require_no_circle();
}

}  // namespace zerolite

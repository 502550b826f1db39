#include "zerolite/verification/verification.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include "zerolite/model/subgraph_view.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/verification/checked_operator.hpp"
#include "zerolite/verification/execution_order.hpp"
#include "zerolite/verification/named_operator_check.hpp"
#include "zerolite/verification/operator_check.hpp"
#include "zerolite/verification/subgraph_call_check.hpp"
#include "zerolite/verification/tensor_check.hpp"
#include "zerolite/verification/variable_check.hpp"

namespace zerolite {

namespace {

void verify_graphs(std::span<const std::byte> bytes, const ModelInterface& interface, Verification level) {
  const ModelContents contents = ModelContents::read(bytes);
  for (std::size_t i = 0; i < interface.subgraphs.size(); ++i) {
    const SubgraphView graph{interface, interface.subgraphs[i], contents.subgraphs[i]};
    for (std::size_t j = 0; j < graph.description.tensors.size(); ++j) check_tensor(graph, j);
    ExecutionOrder execution(graph);
    for (std::size_t j = 0; j < graph.description.operators.size(); ++j) {
      execution.pass(j);
      // These end the process while the model is loaded, or damage its memory, so that no level goes without them.
      check_attention(CheckedOperator(graph, j));
      check_state_types(graph, j);
      if (level == Verification::full) check_operator(graph, j);
    }
    execution.finish();
  }
  check_calls(interface, contents);
  if (level == Verification::full) check_variables(interface, contents);
}

}  // namespace

void verify(const ModelBytes& bytes, const ModelInterface& interface, Verification level) {
  try {
    verify_graphs(bytes.span(), interface, level);
  } catch (const InvalidModelError& error) {
    throw InvalidModelError(bytes.name() + " is not a sound TensorFlow Lite model: " + error.what() +
                            "; convert or download it again");
  }
}

}  // namespace zerolite

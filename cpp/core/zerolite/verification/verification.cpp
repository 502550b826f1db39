#include "zerolite/verification/verification.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/model/subgraph_view.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/verification/execution_order.hpp"
#include "zerolite/verification/operator_check.hpp"
#include "zerolite/verification/subgraph_call_check.hpp"
#include "zerolite/verification/tensor_check.hpp"
#include "zerolite/verification/variable_check.hpp"

namespace zerolite {

namespace {

// Which a description does not read. Index 0 stands for no buffer, whether or not there is one.
void require_buffers(std::span<const std::byte> bytes, const ModelDescription& description) {
  using flatbuffer::Table;
  using flatbuffer::Vector;
  const Table root = Table::root(bytes);
  const std::size_t buffers = root.tables(schema::model::kBuffers).size();
  const Vector subgraphs = root.tables(schema::model::kSubgraphs);
  for (std::size_t i = 0; i < subgraphs.size(); ++i) {
    const Vector tensors = subgraphs.table(i).tables(schema::subgraph::kTensors);
    for (std::size_t j = 0; j < tensors.size(); ++j) {
      const auto buffer = tensors.table(j).scalar<std::uint32_t>(schema::tensor::kBuffer, 0);
      if (buffer > 0 && buffer >= buffers) {
        throw InvalidModelError("its tensor '" + description.subgraphs[i].tensors[j].name +
                                "' refers to a buffer that does not exist");
      }
    }
  }
}

void verify_graphs(std::span<const std::byte> bytes, const ModelDescription& description, Verification level) {
  require_buffers(bytes, description);
  const ModelDetails details = ModelDetails::read(bytes);
  for (std::size_t i = 0; i < description.subgraphs.size(); ++i) {
    const GraphView graph{description, description.subgraphs[i], details.subgraphs[i]};
    for (std::size_t j = 0; j < graph.description.tensors.size(); ++j) check_tensor(graph, j);
    ExecutionOrder execution(graph);
    for (std::size_t j = 0; j < graph.description.operators.size(); ++j) {
      execution.pass(j);
      if (level == Verification::full) check_operator(graph, j);
    }
    execution.finish();
  }
  check_calls(description, details);
  if (level == Verification::full) check_variables(description, details);
}

}  // namespace

void verify(const ModelBytes& bytes, const ModelDescription& description, Verification level) {
  try {
    verify_graphs(bytes.span(), description, level);
  } catch (const InvalidModelError& error) {
    throw InvalidModelError(bytes.name() + " is not a sound TensorFlow Lite model: " + error.what() +
                            "; convert or download it again");
  }
}

}  // namespace zerolite

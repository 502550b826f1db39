#include "zerolite/graph/graph_nodes.hpp"

#include <algorithm>
#include <iterator>

#include "zerolite/graph/delegation.hpp"
#include "zerolite/model/operators.hpp"

namespace zerolite {

namespace {

std::int32_t first_result(const CapturedGraph& graph, std::size_t position) {
  const abi::tflite::Node* node = graph.node(position);
  if (node == nullptr || node->outputs == nullptr) return abi::tflite::kOptionalTensor;
  const auto values = node->outputs->values();
  const auto found = std::ranges::find_if(values, [](int output) { return output != abi::tflite::kOptionalTensor; });
  return found == values.end() ? abi::tflite::kOptionalTensor : *found;
}

}  // namespace

std::vector<GraphNode> nodes_of(const GraphObserver& observer, const ModelInterface& model) {
  std::vector<GraphNode> nodes;
  for (std::size_t subgraph = 0; subgraph < observer.subgraph_count(); ++subgraph) {
    const CapturedGraph* graph = observer.graph(subgraph);
    if (graph == nullptr) continue;
    const std::vector<std::uint32_t>& codes = model.subgraphs[subgraph].operators;
    const std::vector<Partition> partitions = Delegation::of(*graph).partitions;
    std::size_t partition = 0;
    for (const PlannedNode& planned : graph->plan()) {
      GraphNode node;
      node.subgraph = subgraph;
      node.node = planned.index;
      std::vector<std::size_t> positions = {planned.index};
      if (planned.node->delegate != nullptr) {
        node.delegate = partitions[partition].delegate;
        positions = partitions[partition++].operators;
      }
      for (const std::size_t position : positions) {
        if (position >= codes.size()) continue;
        node.operators.push_back(name_of(model.operator_codes[codes[position]]));
        node.results.push_back(first_result(*graph, position));
      }
      if (planned.node->outputs != nullptr) {
        std::ranges::copy_if(planned.node->outputs->values(), std::back_inserter(node.outputs),
                             [](int output) { return output != abi::tflite::kOptionalTensor; });
      }
      nodes.push_back(std::move(node));
    }
  }
  return nodes;
}

std::string name_of_tensor(const GraphObserver& observer, const ModelInterface& model, std::size_t subgraph,
                           std::int32_t tensor) {
  const std::vector<TensorDescription>& described = model.subgraphs[subgraph].tensors;
  const auto index = static_cast<std::size_t>(tensor);
  return index < described.size() ? described[index].name : observer.graph(subgraph)->spec(tensor).name;
}

}  // namespace zerolite

// The nodes that a run of a compiled model invokes, with what the model's file and the delegates call them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

struct GraphNode {
  std::size_t subgraph = 0;
  std::size_t node = 0;                // as PlannedNode::index
  std::string delegate;                // the name that its kernel gives itself; empty for a builtin kernel
  std::vector<std::string> operators;  // the file's: one, or those that the delegate took together
  std::vector<std::int32_t> results;   // of each of these operators the first tensor that it computes, or -1
  std::vector<std::int32_t> outputs;
};

// By subgraph that the runtime shows, in the order of execution.
std::vector<GraphNode> nodes_of(const GraphObserver& observer, const ModelInterface& model);

// The name in the file; kernels may add tensors of their own, which have the runtime's names.
std::string name_of_tensor(const GraphObserver& observer, const ModelInterface& model, std::size_t subgraph,
                           std::int32_t tensor);

}  // namespace zerolite

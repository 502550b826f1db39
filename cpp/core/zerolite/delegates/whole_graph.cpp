#include "zerolite/delegates/whole_graph.hpp"

#include <vector>

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// The context does not tell its subgraph's index, but gives the contexts by index.
std::optional<std::size_t> subgraph_of(abi::tflite::Context* context, std::size_t count) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < count && !found; ++i) {
    const int index = static_cast<int>(i);
    abi::tflite::Context* candidate = nullptr;
    if (context->acquire_subgraph_context(context, index, &candidate) != abi::tflite::Status::ok) continue;
    if (candidate == context) found = i;
    (void)context->release_subgraph_context(context, index);
  }
  return found;
}

abi::tflite::Status take_nodes(abi::tflite::Context* context, std::span<const int> nodes,
                               const abi::tflite::Registration& kernel, abi::tflite::Delegate* delegate) {
  std::vector<int> array = {static_cast<int>(nodes.size())};  // an IntArray: the count comes first
  array.insert(array.end(), nodes.begin(), nodes.end());
  return context->replace_node_subsets_with_delegate_kernels(
      context, kernel, reinterpret_cast<const abi::tflite::IntArray*>(array.data()), delegate);
}

abi::tflite::Status take_whole_graph(abi::tflite::Context* context, const abi::tflite::Registration& kernel,
                                     abi::tflite::Delegate* delegate) {
  std::vector<int> nodes;
  for (const PlannedNode& planned : CapturedGraph(context).plan()) nodes.push_back(static_cast<int>(planned.index));
  return take_nodes(context, nodes, kernel, delegate);
}

}  // namespace zerolite

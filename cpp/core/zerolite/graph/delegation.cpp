#include "zerolite/graph/delegation.hpp"

#include <algorithm>
#include <optional>

namespace zerolite {
namespace {

using abi::tflite::DelegateParams;
using abi::tflite::IntArray;
using abi::tflite::Node;
using abi::tflite::OpaqueDelegateParams;

std::vector<std::size_t> replaced_by(const Node& node) {
  if (node.builtin_data == nullptr) return {};
  const IntArray* replaced = node.delegate->opaque_delegate_builder == nullptr
                                 ? static_cast<const DelegateParams*>(node.builtin_data)->nodes_to_replace
                                 : static_cast<const OpaqueDelegateParams*>(node.builtin_data)->nodes_to_replace;
  const std::vector<std::int32_t> indices = values_of(replaced);
  return {indices.begin(), indices.end()};
}

// The runtime's delegate for NPUs takes these operators and nothing else takes any, which is to know it by: its kernel
// has a name only where TensorFlow Lite's public structures do not reach (LiteRT 2.3.0).
bool dispatches(const CapturedGraph& graph, const Node& node) {
  const std::vector<std::size_t> replaced = replaced_by(node);
  return !replaced.empty() && std::ranges::all_of(replaced, [&](std::size_t index) {
    const std::optional<PlannedNode> planned = graph.planned_node(index);
    return planned && planned->registration->custom_name != nullptr &&
           std::string_view(planned->registration->custom_name).find(kDispatchOperator) != std::string_view::npos;
  });
}

}  // namespace

std::string kernel_name(const CapturedGraph& graph, const PlannedNode& planned) {
  if (planned.registration->custom_name != nullptr) return planned.registration->custom_name;
  return dispatches(graph, *planned.node) ? kDispatchKernel : "";
}

Delegation Delegation::of(const CapturedGraph& graph) {
  Delegation delegation;
  for (const PlannedNode& planned : graph.plan()) {
    if (planned.node->delegate == nullptr) {
      delegation.builtin.push_back(planned.index);
      continue;
    }
    const std::string name = kernel_name(graph, planned);
    delegation.partitions.push_back({name.empty() ? "unnamed delegate" : name, replaced_by(*planned.node)});
  }
  return delegation;
}

}  // namespace zerolite

#include "zerolite/delegation.hpp"

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

}  // namespace

Delegation Delegation::of(const CapturedGraph& graph) {
  Delegation delegation;
  for (const PlannedNode& planned : graph.plan()) {
    if (planned.node->delegate == nullptr) {
      delegation.builtin.push_back(planned.index);
      continue;
    }
    const char* name = planned.registration->custom_name;
    delegation.partitions.push_back({name == nullptr ? "unnamed delegate" : name, replaced_by(*planned.node)});
  }
  return delegation;
}

}  // namespace zerolite

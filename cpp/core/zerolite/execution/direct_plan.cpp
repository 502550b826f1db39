#include "zerolite/execution/direct_plan.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "zerolite/delegates/openvino/openvino_delegate.hpp"
#include "zerolite/graph/delegation.hpp"
#include "zerolite/model/operators.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Tensor;

// The kernels of delegates that need nothing of the runtime's call.
constexpr auto kDirectKernels = std::to_array<std::string_view>({"TfLiteXNNPackDelegate", OpenVinoDelegate::kName});

std::string_view custom_name(const Registration& registration) {
  return registration.custom_name == nullptr ? std::string_view("unnamed") : std::string_view(registration.custom_name);
}

std::string unsupported_reason_of(const Tensor& tensor) {
  const std::string name = "tensor '" + std::string(name_of(tensor)) + "'";
  switch (static_cast<ElementType>(tensor.type)) {
    case ElementType::string:
      return name + " holds strings";
    case ElementType::resource:
    case ElementType::variant:
      return name + " is a resource";
    default:
      break;
  }
  if (tensor.allocation_type == AllocationType::dynamic) return name + " has a shape that only a run tells";
  if (tensor.allocation_type == AllocationType::non_cpu || tensor.buffer_handle != abi::tflite::kNullBufferHandle) {
    return name + " lives on a delegate";
  }
  return {};
}

std::string unsupported_reason_of(const CapturedGraph& graph, const PlannedNode& planned,
                                  const CustomOperators* custom_operators) {
  const Registration& registration = *planned.registration;
  const Node& node = *planned.node;
  if (node.delegate != nullptr &&
      std::ranges::find(kDirectKernels, custom_name(registration)) == kDirectKernels.end()) {
    const std::string name = kernel_name(graph, planned);
    return "delegate " + (name.empty() ? "unnamed" : name) + " runs part of the graph";
  }
  const bool is_custom =
      node.delegate == nullptr && static_cast<Operator>(registration.builtin_code) == Operator::CUSTOM;
  const bool is_given = custom_operators != nullptr && custom_operators->has(custom_name(registration));
  if (is_custom && !is_given) {
    return "operator " + std::string(custom_name(registration)) + " is custom, and may keep state of its own";
  }
  if (node.might_have_side_effect) return "an operator runs other subgraphs or has side effects";
  if (registration.invoke == nullptr || registration.registration_external != nullptr) {
    return "an operator's kernel is only reachable through the runtime";
  }
  return {};
}

// Kernels that draw random numbers keep the generator's state to themselves.
bool draws_random_numbers(const Registration& registration) {
  const auto operation = static_cast<Operator>(registration.builtin_code);
  return operation == Operator::MULTINOMIAL || operation == Operator::RANDOM_STANDARD_NORMAL ||
         operation == Operator::RANDOM_UNIFORM;
}

}  // namespace

std::string DirectPlan::unsupported_reason(const CapturedGraph& graph, const std::vector<PlannedNode>& nodes,
                                           std::span<const TensorBinding> bindings,
                                           const CustomOperators* custom_operators) {
  if (nodes.empty()) return "the graph has no operators";
  for (const PlannedNode& planned : nodes) {
    if (std::string found = unsupported_reason_of(graph, planned, custom_operators); !found.empty()) return found;
    if (draws_random_numbers(*planned.registration)) return "an operator draws random numbers";
    for (const abi::tflite::IntArray* list :
         {planned.node->inputs, planned.node->outputs, planned.node->intermediates, planned.node->temporaries}) {
      if (list == nullptr) continue;
      for (const int index : list->values()) {
        if (index == abi::tflite::kOptionalTensor) continue;
        if (std::string found = unsupported_reason_of(graph.tensor(index)); !found.empty()) return found;
      }
    }
  }
  for (const TensorBinding& binding : bindings) {
    const Tensor& tensor = graph.tensor(binding.tensor_index());
    if (std::string found = unsupported_reason_of(tensor); !found.empty()) return found;
    if (binding.size() == 0) continue;
    // The runtime copies constant outputs into their buffers after each run.
    if (tensor.allocation_type == AllocationType::mmap_read_only ||
        tensor.allocation_type == AllocationType::persistent_read_only) {
      return "an output is a constant";
    }
    if (tensor.data != binding.data()) return "the runtime does not use the memory it was given";
  }
  return {};
}

DirectPlan::DirectPlan(const CapturedGraph& graph, const std::vector<PlannedNode>& nodes,
                       std::span<const TensorBinding> bindings)
    : context_(graph.context()) {
  steps_.reserve(nodes.size());
  for (const PlannedNode& planned : nodes) steps_.push_back({planned.registration->invoke, planned.node});
  pointers_.reserve(bindings.size());
  for (const TensorBinding& binding : bindings) {
    pointers_.push_back(binding.size() == 0 ? nullptr : &graph.tensor(binding.tensor_index()).data);
  }
}

}  // namespace zerolite

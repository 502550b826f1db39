#include "zerolite/late_outputs.hpp"

#include <algorithm>
#include <iterator>

namespace zerolite {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

namespace {

// A tensor without bytes needs no memory, unless it has none only for now.
bool may_be_resized(const Tensor& tensor) {
  return tensor.dims_signature != nullptr && std::ranges::count(tensor.dims_signature->values(), -1) > 0;
}

bool is_late(const Tensor& tensor) {
  const bool has_memory = tensor.allocation_type != AllocationType::arena || tensor.data != nullptr;
  return !has_memory && (tensor.bytes > 0 || may_be_resized(tensor));
}

}  // namespace

bool LateOutputs::occur_in(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs) {
  return std::ranges::any_of(outputs, [&](std::int32_t index) { return is_late(graph.tensor(index)); });
}

LateOutputs::LateOutputs(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs) : graph_(graph) {
  std::ranges::copy_if(outputs, std::back_inserter(late_),
                       [&](std::int32_t index) { return is_late(graph.tensor(index)); });
}

void LateOutputs::forget_buffers(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs) {
  for (const std::int32_t index : outputs) {
    Tensor& tensor = graph.tensor(index);
    // In the arena, too: an allocation leaves the old address with tensors that it does not reach.
    if (tensor.allocation_type != AllocationType::custom && tensor.allocation_type != AllocationType::arena) continue;
    tensor.allocation_type = AllocationType::arena;
    tensor.data = nullptr;
  }
}

bool LateOutputs::before_node(void* self) {
  auto* outputs = static_cast<LateOutputs*>(self);
  if (outputs == nullptr || outputs->running_) return false;
  outputs->running_ = true;
  forget_buffers(outputs->graph_, outputs->late_);
  return false;
}

}  // namespace zerolite

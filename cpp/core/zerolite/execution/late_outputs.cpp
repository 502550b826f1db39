#include "zerolite/execution/late_outputs.hpp"

#include <algorithm>

namespace zerolite {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

namespace {

// A tensor without bytes needs no memory, unless it has none only for now.
bool may_be_resized(const Tensor& tensor) {
  return tensor.dims_signature != nullptr && std::ranges::count(tensor.dims_signature->values(), -1) > 0;
}

void forget_buffer(Tensor& tensor) {
  // In the arena, too: an allocation leaves the old address with tensors that it does not reach.
  if (tensor.allocation_type != AllocationType::custom && tensor.allocation_type != AllocationType::arena) return;
  tensor.allocation_type = AllocationType::arena;
  tensor.data = nullptr;
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
  late_.reserve(outputs.size());  // before anything is changed: without an object nobody would change it back
  for (const std::int32_t index : outputs) {
    Tensor& tensor = graph_.tensor(index);
    if (!is_late(tensor)) continue;
    late_.push_back({index, tensor.bytes});
    tensor.bytes = 0;  // whatever buffer is registered is large enough
  }
}

LateOutputs::~LateOutputs() {
  // A run that did not come as far as to prepare them leaves them as they were.
  for (const Late& late : late_) {
    Tensor& tensor = graph_.tensor(late.tensor);
    if (tensor.bytes == 0) tensor.bytes = late.bytes;
  }
}

void LateOutputs::forget_buffers(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs) {
  for (const std::int32_t index : outputs) forget_buffer(graph.tensor(index));
}

bool LateOutputs::before_node(void* self) {
  auto* outputs = static_cast<LateOutputs*>(self);
  if (outputs == nullptr || outputs->running_) return false;
  outputs->running_ = true;
  for (const Late& late : outputs->late_) forget_buffer(outputs->graph_.tensor(late.tensor));
  return false;
}

}  // namespace zerolite

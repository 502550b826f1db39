#include "zerolite/execution/deferred_outputs.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace zerolite {

using abi::tflite::AllocationType;
using abi::tflite::IntArray;
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

bool DeferredOutputs::has_dynamic(const CapturedGraph& graph) {
  const auto is_dynamic = [&](int index) {
    return index != abi::tflite::kOptionalTensor && graph.tensor(index).allocation_type == AllocationType::dynamic;
  };
  return graph.any_planned([&](const PlannedNode& planned) {
    return planned.node->outputs != nullptr && std::ranges::any_of(planned.node->outputs->values(), is_dynamic);
  });
}

bool DeferredOutputs::has_late(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs) {
  return std::ranges::any_of(outputs, [&](std::int32_t index) { return is_late(graph.tensor(index)); });
}

void DeferredOutputs::forget_buffers(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs) {
  for (const std::int32_t index : outputs) forget_buffer(graph.tensor(index));
}

DeferredOutputs::DeferredOutputs(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs, Kind kind)
    : graph_(graph), kind_(kind) {
  // Before anything is hidden: without an object nobody would bring it back.
  hidden_.reserve(outputs.size());
  ordinary_.reserve(outputs.size());
  if (kind == Kind::dynamic) {
    hide_dynamic(outputs);
  } else {
    hide_late(outputs);
  }
}

void DeferredOutputs::hide_dynamic(const std::vector<std::int32_t>& outputs) {
  for (const std::int32_t index : outputs) {
    Tensor& tensor = graph_.tensor(index);
    // The runtime has a way of its own for strings.
    if (static_cast<ElementType>(tensor.type) == ElementType::string) continue;
    if (tensor.allocation_type == AllocationType::dynamic ||
        tensor.allocation_type == AllocationType::persistent_read_only) {
      hidden_.push_back({index, tensor.allocation_type, tensor.data, tensor.bytes});
      tensor.allocation_type = AllocationType::arena;
      tensor.bytes = 0;  // whatever buffer is registered is large enough
    } else {
      ordinary_.push_back(index);
    }
  }
}

void DeferredOutputs::hide_late(const std::vector<std::int32_t>& outputs) {
  for (const std::int32_t index : outputs) {
    Tensor& tensor = graph_.tensor(index);
    if (!is_late(tensor)) continue;
    hidden_.push_back({index, tensor.allocation_type, tensor.data, tensor.bytes});
    tensor.bytes = 0;  // whatever buffer is registered is large enough
  }
}

void DeferredOutputs::restore() {
  for (const Hidden& hidden : hidden_) {
    Tensor& tensor = graph_.tensor(hidden.tensor);
    if (kind_ == Kind::late) {
      // A run that did not come as far as to prepare the output leaves it as it was.
      if (tensor.bytes == 0) tensor.bytes = hidden.bytes;
      continue;
    }
    tensor.allocation_type = hidden.allocation_type;
    tensor.data = hidden.data;
    // The size of what `data` points to, which tells the kernel whether it has to allocate.
    tensor.bytes = hidden.bytes;
  }
  hidden_.clear();
}

void DeferredOutputs::let_runtime_allocate() {
  if (kind_ == Kind::late) {
    for (const Hidden& hidden : hidden_) forget_buffer(graph_.tensor(hidden.tensor));
    return;
  }
  restore();
  for (const std::int32_t index : ordinary_) {
    Tensor& tensor = graph_.tensor(index);
    if (tensor.allocation_type == AllocationType::custom) make_dynamic(tensor);
  }
}

void DeferredOutputs::make_dynamic(Tensor& tensor) const {
  // A kernel that was prepared already writes without asking for memory, so there must be some.
  const std::size_t size = sizeof(int) * (static_cast<std::size_t>(tensor.dims->size) + 1);
  void* copy = std::malloc(size);  // NOLINT(cppcoreguidelines-no-malloc): the runtime frees it
  if (copy == nullptr) return;
  std::memcpy(copy, tensor.dims, size);
  tensor.allocation_type = AllocationType::dynamic;
  tensor.data = nullptr;
  tensor.bytes = 0;
  (void)graph_.context()->resize_tensor(graph_.context(), &tensor, static_cast<IntArray*>(copy));
}

bool DeferredOutputs::before_node(void* self) {
  auto* outputs = static_cast<DeferredOutputs*>(self);
  if (outputs == nullptr || outputs->running_) return false;
  outputs->running_ = true;
  outputs->let_runtime_allocate();
  return false;
}

}  // namespace zerolite

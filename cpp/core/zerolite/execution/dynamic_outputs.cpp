#include "zerolite/execution/dynamic_outputs.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace zerolite {

using abi::tflite::AllocationType;
using abi::tflite::IntArray;
using abi::tflite::Tensor;

bool DynamicOutputs::occur_in(const CapturedGraph& graph) {
  const auto is_dynamic = [&](int index) {
    return index != abi::tflite::kOptionalTensor && graph.tensor(index).allocation_type == AllocationType::dynamic;
  };
  return graph.any_planned([&](const PlannedNode& planned) {
    return planned.node->outputs != nullptr && std::ranges::any_of(planned.node->outputs->values(), is_dynamic);
  });
}

DynamicOutputs::DynamicOutputs(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs) : graph_(graph) {
  // Before anything is hidden: without an object nobody would bring it back.
  hidden_.reserve(outputs.size());
  ordinary_.reserve(outputs.size());
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

void DynamicOutputs::restore() {
  for (const Hidden& hidden : hidden_) {
    Tensor& tensor = graph_.tensor(hidden.tensor);
    tensor.allocation_type = hidden.allocation_type;
    tensor.data = hidden.data;
    // The size of what `data` points to, which tells the kernel whether it has to allocate.
    tensor.bytes = hidden.bytes;
  }
  hidden_.clear();
}

void DynamicOutputs::make_dynamic(Tensor& tensor) const {
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

bool DynamicOutputs::before_node(void* self) {
  auto* outputs = static_cast<DynamicOutputs*>(self);
  if (outputs == nullptr || outputs->running_) return false;
  outputs->running_ = true;
  outputs->restore();
  for (const std::int32_t index : outputs->ordinary_) {
    Tensor& tensor = outputs->graph_.tensor(index);
    if (tensor.allocation_type == AllocationType::custom) outputs->make_dynamic(tensor);
  }
  return false;
}

}  // namespace zerolite

#include "zerolite/instrumentation/tensor_trace.hpp"

namespace zerolite {

void TensorTrace::after_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) {
  if (node.outputs == nullptr) return;
  for (const int index : node.outputs->values()) {
    if (index == abi::tflite::kOptionalTensor) continue;
    const abi::tflite::Tensor& tensor = graph.tensor(index);
    const auto type = static_cast<ElementType>(tensor.type);
    // Handles of the runtime's, not values.
    if (type == ElementType::resource || type == ElementType::variant) continue;
    TracedTensor& traced = tensors_[{subgraph, index}];
    traced.type = type;
    traced.shape = graph.shape(index);
    const auto* data = static_cast<const std::byte*>(tensor.data);
    traced.bytes.assign(data, data == nullptr ? data : data + tensor.bytes);
    ++traced.times;
  }
}

const TracedTensor* TensorTrace::find(std::size_t subgraph, std::int32_t tensor) const {
  const auto found = tensors_.find({subgraph, tensor});
  return found == tensors_.end() ? nullptr : &found->second;
}

}  // namespace zerolite

#include "zerolite/instrumentation/value_ranges.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>

#include "zerolite/tensor/element_type.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

// NaN is no number to calibrate with. Nothing where there is no other value.
template <typename Element>
std::optional<ValueRange> range_of(const Tensor& tensor) {
  std::optional<ValueRange> range;
  const auto* const bytes = static_cast<const std::byte*>(tensor.data);
  for (std::size_t offset = 0; offset + sizeof(Element) <= tensor.bytes; offset += sizeof(Element)) {
    Element element{};
    std::memcpy(&element, bytes + offset, sizeof(Element));
    const auto value = static_cast<float>(element);
    if (std::isnan(value)) continue;
    if (!range) range = ValueRange{value, value};
    range->smallest = std::min(range->smallest, value);
    range->largest = std::max(range->largest, value);
  }
  return range;
}

std::optional<ValueRange> range_of_values(const Tensor& tensor) {
  switch (static_cast<ElementType>(tensor.type)) {
    case ElementType::float32:
      return range_of<float>(tensor);
    case ElementType::int32:
      return range_of<std::int32_t>(tensor);
    default:
      return std::nullopt;
  }
}

}  // namespace

void ValueRanges::add(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::IntArray* tensors) {
  if (tensors == nullptr) return;
  for (const int index : tensors->values()) {
    if (index == abi::tflite::kOptionalTensor) continue;
    const Tensor& tensor = graph.tensor(index);
    const bool constant = tensor.allocation_type == AllocationType::mmap_read_only ||
                          tensor.allocation_type == AllocationType::persistent_read_only;
    if (constant || tensor.data == nullptr) continue;
    const std::optional<ValueRange> range = range_of_values(tensor);
    if (!range) continue;
    ValueRange& known = ranges_.try_emplace({subgraph, index}, *range).first->second;
    known.smallest = std::min(known.smallest, range->smallest);
    known.largest = std::max(known.largest, range->largest);
  }
}

void ValueRanges::before_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) {
  add(subgraph, graph, node.inputs);
}

void ValueRanges::after_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) {
  add(subgraph, graph, node.outputs);
}

}  // namespace zerolite

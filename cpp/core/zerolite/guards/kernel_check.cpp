#include "zerolite/guards/kernel_check.hpp"

#include <algorithm>

namespace zerolite {

bool LiveNode::has_constant_inputs() const {
  using abi::tflite::AllocationType;
  return std::ranges::all_of(node_.inputs->values(), [this](int index) {
    const AllocationType type = tensor(index).allocation_type;
    return type == AllocationType::mmap_read_only || type == AllocationType::persistent_read_only;
  });
}

std::span<const std::byte> LiveNode::constant(std::size_t position) const {
  const void* data = input(position).data;
  if (data == nullptr) return {};
  return {static_cast<const std::byte*>(data), byte_size(type(position), shape(position)).value_or(0)};
}

}  // namespace zerolite

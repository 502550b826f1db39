#include "zerolite/execution/variable_values.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace zerolite {
namespace {

using abi::tflite::Tensor;

// One that is an input of the model as well has the memory of a call, which may be gone by the next one.
bool has_memory_of_its_own(const Tensor& tensor) {
  return tensor.is_variable && tensor.data != nullptr &&
         tensor.allocation_type == abi::tflite::AllocationType::arena_persistent;
}

template <typename Visit>
void for_each_variable(const CapturedGraph& graph, Visit&& visit) {
  for (std::size_t i = 0; i < graph.tensor_count(); ++i) {
    const auto index = static_cast<std::int32_t>(i);
    if (const Tensor& tensor = graph.tensor(index); has_memory_of_its_own(tensor)) visit(index, tensor);
  }
}

}  // namespace

bool VariableValues::occur_in(const CapturedGraph& graph) {
  for (std::size_t i = 0; i < graph.tensor_count(); ++i) {
    const Tensor& tensor = graph.tensor(static_cast<std::int32_t>(i));
    const auto type = static_cast<ElementType>(tensor.type);
    if (tensor.is_variable || type == ElementType::resource || type == ElementType::variant) return true;
  }
  return false;
}

bool VariableValues::occur_as_tensors_in(const CapturedGraph& graph) {
  for (std::size_t i = 0; i < graph.tensor_count(); ++i) {
    if (graph.tensor(static_cast<std::int32_t>(i)).is_variable) return true;
  }
  return false;
}

void VariableValues::reset(const Tensor& variable) noexcept {
  const int zero = static_cast<ElementType>(variable.type) == ElementType::int8 ? variable.params.zero_point : 0;
  if (variable.data != nullptr) std::memset(variable.data, zero, variable.bytes);
}

void VariableValues::reset(const CapturedGraph& graph) noexcept {
  for_each_variable(graph, [](std::int32_t /*index*/, const Tensor& tensor) { reset(tensor); });
}

VariableValues::VariableValues(const CapturedGraph& graph) {
  for_each_variable(graph, [this](std::int32_t index, const Tensor& tensor) {
    const auto* data = static_cast<const std::byte*>(tensor.data);
    values_.emplace_back(index, std::vector<std::byte>(data, data + tensor.bytes));
  });
}

void VariableValues::restore(const CapturedGraph& graph) const {
  for (const auto& [index, value] : values_) {
    const Tensor& tensor = graph.tensor(index);
    if (!value.empty() && has_memory_of_its_own(tensor)) {
      std::memcpy(tensor.data, value.data(), std::min(value.size(), tensor.bytes));
    }
  }
}

}  // namespace zerolite

#include "zerolite/execution/variable_values.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace zerolite {
namespace {

using abi::tflite::Tensor;

template <typename Visit>
void for_each_variable(const CapturedGraph& graph, Visit&& visit) {
  for (std::size_t i = 0; i < graph.tensor_count(); ++i) {
    const Tensor& tensor = graph.tensor(static_cast<std::int32_t>(i));
    if (tensor.is_variable && tensor.data != nullptr) visit(tensor);
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

VariableValues::VariableValues(const CapturedGraph& graph) {
  for_each_variable(graph, [this](const Tensor& tensor) {
    const auto* data = static_cast<const std::byte*>(tensor.data);
    values_.emplace_back(data, data + tensor.bytes);
  });
}

void VariableValues::restore(const CapturedGraph& graph) const {
  std::size_t next = 0;
  for_each_variable(graph, [&](const Tensor& tensor) {
    if (next == values_.size()) return;
    const std::vector<std::byte>& value = values_[next++];
    if (!value.empty()) std::memcpy(tensor.data, value.data(), std::min(value.size(), tensor.bytes));
  });
}

}  // namespace zerolite

#include "zerolite/graph/captured_graph.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <span>

#include "zerolite/runtime/guard.hpp"

namespace zerolite {
namespace {

std::optional<Quantization> quantization_of(const abi::tflite::Tensor& tensor) {
  if (tensor.quantization.type != abi::tflite::QuantizationType::affine || tensor.quantization.params == nullptr) {
    return std::nullopt;
  }
  const auto& params = *static_cast<const abi::tflite::AffineQuantization*>(tensor.quantization.params);
  if (params.scale == nullptr || params.scale->size == 0) return std::nullopt;
  Quantization quantization;
  const std::span<const float> scales = params.scale->values();
  quantization.scales.assign(scales.begin(), scales.end());
  if (params.zero_point != nullptr) {
    const std::span<const int> zero_points = params.zero_point->values();
    quantization.zero_points.assign(zero_points.begin(), zero_points.end());
  }
  // One zero point may stand for all channels.
  const std::int64_t shared = quantization.zero_points.size() == 1 ? quantization.zero_points.front() : 0;
  quantization.zero_points.resize(quantization.scales.size(), shared);
  quantization.axis = params.quantized_dimension;
  return quantization;
}

}  // namespace

std::string to_string(const std::vector<std::int32_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

std::span<const int> CapturedGraph::planned_indices() const {
  abi::tflite::IntArray* indices = nullptr;
  if (get_execution_plan_(context_, &indices) != abi::tflite::Status::ok || indices == nullptr) return {};
  return indices->values();
}

std::optional<PlannedNode> CapturedGraph::planned_node(std::size_t index) const {
  PlannedNode planned;
  planned.index = index;
  const abi::tflite::Status status =
      get_node_and_registration_(context_, static_cast<int>(index), &planned.node, &planned.registration);
  return status == abi::tflite::Status::ok ? std::optional(planned) : std::nullopt;
}

std::vector<PlannedNode> CapturedGraph::plan() const {
  const std::span<const int> indices = planned_indices();
  std::vector<PlannedNode> nodes;
  nodes.reserve(indices.size());
  for (const int index : indices) {
    const std::optional<PlannedNode> planned = planned_node(static_cast<std::size_t>(index));
    if (!planned) return {};
    nodes.push_back(*planned);
  }
  return nodes;
}

const abi::tflite::Node* CapturedGraph::node(std::size_t index) const {
  const std::optional<PlannedNode> planned = planned_node(index);
  return planned ? planned->node : nullptr;
}

std::vector<std::int32_t> values_of(const abi::tflite::IntArray* array) {
  if (array == nullptr) return {};
  const std::span<const int> span = array->values();
  return {span.begin(), span.end()};
}

std::vector<std::int32_t> CapturedGraph::shape(std::int32_t index) const { return values_of(tensor(index).dims); }

bool CapturedGraph::resize(std::int32_t index, const std::vector<std::int32_t>& shape) const {
  // TensorFlow Lite takes it, and frees it with free().
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
  auto* dimensions = static_cast<int*>(std::malloc((shape.size() + 1) * sizeof(int)));
  if (dimensions == nullptr) throw std::bad_alloc();
  dimensions[0] = static_cast<int>(shape.size());
  std::ranges::copy(shape, dimensions + 1);
  auto* array = reinterpret_cast<abi::tflite::IntArray*>(dimensions);
  return guard([&] { return context_->resize_tensor(context_, &tensor(index), array); }) == abi::tflite::Status::ok;
}

TensorSpec CapturedGraph::spec(std::int32_t index) const {
  const abi::tflite::Tensor& from = tensor(index);
  TensorSpec spec;
  if (from.name != nullptr) spec.name = from.name;
  spec.type = static_cast<ElementType>(from.type);
  spec.shape = values_of(from.dims);
  spec.shape_signature = values_of(from.dims_signature);
  if (spec.shape_signature.empty()) spec.shape_signature = spec.shape;
  spec.quantization = quantization_of(from);
  return spec;
}

}  // namespace zerolite

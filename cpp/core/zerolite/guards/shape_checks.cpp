#include <algorithm>
#include <cstddef>
#include <span>

#include "zerolite/guards/kernel_check.hpp"

namespace zerolite {
namespace {

using abi::tflite::AffineQuantization;
using abi::tflite::Context;
using abi::tflite::Node;
using abi::tflite::QuantizationType;
using abi::tflite::Tensor;

using Shape = std::span<const int>;

Shape shape_of(const Tensor& tensor) { return tensor.dims->values(); }

bool is_empty(const Tensor& tensor) { return std::ranges::find(shape_of(tensor), 0) != shape_of(tensor).end(); }

bool computes_nothing(const Context& context, const Node& node) {
  return is_empty(context.tensors[static_cast<std::size_t>(node.outputs->values()[0])]);
}

Verdict require_axis(const Tensor& axis) {
  if (!is_empty(axis)) return {};
  return Verdict::refuse(axis, "is empty, and its value is to be the axis to work along");
}

// Kernels read a scale for each slice along an axis.
Verdict require_channels(const Tensor& tensor) {
  if (tensor.quantization.type != QuantizationType::affine || tensor.quantization.params == nullptr) return {};
  const auto& affine = *static_cast<const AffineQuantization*>(tensor.quantization.params);
  if (affine.scale == nullptr || affine.scale->size <= 1) return {};
  const Shape shape = shape_of(tensor);
  const auto axis = static_cast<std::size_t>(affine.quantized_dimension);
  if (axis < shape.size() && shape[axis] == affine.scale->size) return {};
  return Verdict::refuse(tensor, "has another size than it has scales, along the axis that it is quantized by");
}

}  // namespace

Verdict check_quantize(const Context& context, const Node& node) {
  return require_channels(context.tensors[static_cast<std::size_t>(node.outputs->values()[0])]);
}

Verdict check_dequantize(const Context& context, const Node& node) {
  return require_channels(input_of(context, node, 0));
}

// Kernels divide by sizes, or look at the first element, of what has none.
Verdict check_elementwise(const Context& context, const Node& node) {
  return computes_nothing(context, node) ? Verdict::skip() : Verdict();
}

Verdict check_softmax(const Context& context, const Node& node) {
  const Tensor& input = input_of(context, node, 0);
  if (shape_of(input).empty()) return Verdict::refuse(input, "is a scalar, and an axis to work along is expected");
  return check_elementwise(context, node);
}

Verdict check_axis_of_reverse(const Context& context, const Node& node) {
  if (computes_nothing(context, node)) return Verdict::skip();
  return require_axis(input_of(context, node, 1));
}

Verdict check_axis_of_split(const Context& context, const Node& node) {
  return require_axis(input_of(context, node, 0));
}

Verdict check_axis_of_split_v(const Context& context, const Node& node) {
  return require_axis(input_of(context, node, 2));
}

// The kernels read as much of the second input as the first one has.
Verdict check_same_shapes(const Context& context, const Node& node) {
  const Tensor& right = input_of(context, node, 1);
  if (std::ranges::equal(shape_of(input_of(context, node, 0)), shape_of(right))) return {};
  return Verdict::refuse(right, "has another shape than the input before it, and the same is expected");
}

Verdict check_diagonal(const Context& context, const Node& node) {
  const Tensor& diagonals = input_of(context, node, 1);
  const Shape shape = shape_of(input_of(context, node, 0));
  if (shape.size() < 2) return {};  // the kernel refuses it
  const Shape batch = shape.first(shape.size() - 2);
  const Shape given = shape_of(diagonals);
  const int length = std::min(shape[shape.size() - 1], shape[shape.size() - 2]);
  if (given.size() == batch.size() + 1 && std::ranges::equal(given.first(batch.size()), batch) &&
      given.back() == length) {
    return {};
  }
  return Verdict::refuse(diagonals, "has not the shape of the diagonals of the matrices before it");
}

Verdict check_lstm(const Context& context, const Node& node) {
  const Tensor& input = input_of(context, node, 0);
  if (shape_of(input).size() == 2 || shape_of(input).size() == 3) return {};
  return Verdict::refuse(input, "has neither two nor three dimensions");
}

}  // namespace zerolite

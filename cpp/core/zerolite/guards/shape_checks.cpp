#include "zerolite/guards/shape_checks.hpp"

#include <cstddef>
#include <span>

namespace zerolite {
namespace {

using abi::tflite::AffineQuantization;
using abi::tflite::QuantizationType;
using abi::tflite::Tensor;

// What the kernel of SELECT keeps from one preparation to the next (LiteRT 2.3.0).
struct SelectState {
  bool requires_broadcast;
  bool has_low_rank_condition;
};

CheckResult require_axis(const LiveNode& node, std::size_t input) {
  return CheckResult::refuse_unless(!is_empty(node.shape(input)), node.input(input),
                                    "is empty, and its value is to be the axis to work along");
}

// Kernels read a scale for each slice along an axis.
CheckResult require_channels(const Tensor& tensor) {
  if (tensor.quantization.type != QuantizationType::affine || tensor.quantization.params == nullptr) return {};
  const auto& affine = *static_cast<const AffineQuantization*>(tensor.quantization.params);
  if (affine.scale == nullptr || affine.scale->size <= 1) return {};
  const std::span<const int> shape = tensor.dims->values();
  const auto axis = static_cast<std::size_t>(affine.quantized_dimension);
  return CheckResult::refuse_unless(axis < shape.size() && shape[axis] == affine.scale->size, tensor,
                                    "has another size than it has scales, along the axis that it is quantized by");
}

}  // namespace

CheckResult check_quantize(const LiveNode& node) { return require_channels(node.output()); }

CheckResult check_dequantize(const LiveNode& node) { return require_channels(node.input(0)); }

// Two shapes that are broadcast are walked along in at most eight dimensions, and more end the process; so do those of
// int16 in one shape.
CheckResult check_broadcast(const LiveNode& node) {
  const std::size_t input = node.shape(0).size() > kMostBroadcastDimensions ? 0 : 1;
  return CheckResult::refuse_unless(node.shape(input).size() <= kMostBroadcastDimensions ||
                                        (has_one_shape(node) && node.type(0) != ElementType::int16),
                                    node.input(input), "has more than eight dimensions, which can't be broadcast");
}

// Kernels divide by sizes, or look at the first element, of what has none.
CheckResult check_elementwise_broadcast(const LiveNode& node) {
  return node.computes_nothing() ? CheckResult::skip() : check_broadcast(node);
}

// As many values as the first input has are read from the second one.
CheckResult check_numeric_verify(const LiveNode& node) {
  return CheckResult::refuse_unless(has_one_shape(node), node.input(1),
                                    "has another shape than what it is to verify, and the same is expected");
}

CheckResult check_softmax(const LiveNode& node) {
  if (!node.shape(0).empty()) return node.computes_nothing() ? CheckResult::skip() : CheckResult();
  return CheckResult::refuse(node.input(0), "is a scalar, and an axis to work along is expected");
}

CheckResult check_axis_of_reverse(const LiveNode& node) {
  return node.computes_nothing() ? CheckResult::skip() : require_axis(node, 1);
}

CheckResult check_axis_of_split(const LiveNode& node) { return require_axis(node, 0); }

CheckResult check_axis_of_split_v(const LiveNode& node) { return require_axis(node, 2); }

CheckResult check_same_shapes(const LiveNode& node) {
  return CheckResult::refuse_unless(has_one_shape(node), node.input(1),
                                    "has another shape than the input before it, and the same is expected");
}

// That a condition chose whole rows once is never forgotten, and one of all dimensions then writes past the output.
CheckResult check_select(const LiveNode& node) {
  const auto* state = node.state<SelectState>();
  const bool chooses_rows = state != nullptr && state->has_low_rank_condition;
  return CheckResult::refuse_unless(!chooses_rows || node.shape(0).size() <= 1, node.input(0),
                                    "has as many dimensions as the values to choose from, and had fewer in an earlier "
                                    "run; load the model again");
}

CheckResult check_diagonal(const LiveNode& node) {
  if (node.shape(0).size() < 2) return {};  // the kernel refuses it
  return CheckResult::refuse_unless(has_diagonals(node), node.input(1),
                                    "has not the shape of the diagonals of the matrices before it");
}

CheckResult check_lstm(const LiveNode& node) {
  return CheckResult::refuse_unless(has_rank(node, 2, 3), node.input(0), "has neither two nor three dimensions");
}

}  // namespace zerolite

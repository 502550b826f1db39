#include "zerolite/verification/operator_check.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerolite/model/operators.hpp"
#include "zerolite/tensor/element_type.hpp"
#include "zerolite/tensor/tensor_spec.hpp"
#include "zerolite/verification/checked_operator.hpp"
#include "zerolite/verification/detection_check.hpp"
#include "zerolite/verification/flexbuffer_check.hpp"
#include "zerolite/verification/gather_check.hpp"
#include "zerolite/verification/operand_shape_check.hpp"
#include "zerolite/verification/quantized_operator_check.hpp"

namespace zerolite {
namespace {

class OperatorCheck : CheckedOperator {
 public:
  using CheckedOperator::CheckedOperator;

  void run() const {
    check_counts();
    check_required_inputs();
    check_output_type();
    check_operand_shapes(graph_, index_);
    check_quantized_operator(graph_, index_);
    switch (kind()) {
      case Operator::RESIZE_BILINEAR:
      case Operator::RESIZE_NEAREST_NEIGHBOR:
        return check_resize();
      case Operator::DEQUANTIZE:
      case Operator::DENSIFY:
        return check_unpacked();
      case Operator::FAKE_QUANT:
        return check_fake_quant();
      case Operator::MATRIX_DIAG:
      case Operator::MATRIX_SET_DIAG:
        return check_types({ElementType::float32, ElementType::int8, ElementType::uint8, ElementType::int16,
                            ElementType::int32, ElementType::int64});
      case Operator::BATCH_MATMUL:
      case Operator::SOFTMAX:
        return check_result_type();
      case Operator::LOCAL_RESPONSE_NORMALIZATION:
        return check_radius();
      case Operator::STABLEHLO_GATHER:
        return check_gather(graph_, index_);
      case Operator::CONV_2D:
        return check_window({1, 2}, {4, 5});
      case Operator::DEPTHWISE_CONV_2D:
        check_window({1, 2}, {5, 6});
        check_bias();
        return check_depth_multiplier();
      case Operator::TRANSPOSE_CONV:
        return check_window({1, 2}, {});
      case Operator::CONV_3D:
      case Operator::CONV_3D_TRANSPOSE:
        return check_window({1, 2, 3}, {5, 6, 7});
      case Operator::AVERAGE_POOL_2D:
      case Operator::MAX_POOL_2D:
      case Operator::L2_POOL_2D:
        return check_window({1, 2, 3, 4}, {});
      case Operator::SPLIT:
        return check_output_count();
      case Operator::SPLIT_V:
        return check_output_count();
      case Operator::UNPACK:
        return check_output_count();
      case Operator::SPACE_TO_DEPTH:
        return check_block_size();
      case Operator::DEPTH_TO_SPACE:
        return check_block_size();
      case Operator::CUSTOM:
        return check_custom();
      default:
        return;
    }
  }

 private:
  void check_counts() const {
    const OperandCounts counts = operand_counts(kind());
    require_count(operation_.inputs.size(), counts.inputs, " inputs");
    require_count(operation_.outputs.size(), counts.outputs, " outputs");
  }

  void require_count(std::size_t count, const CountRange& expected, const std::string& what) const {
    if (count >= expected.least && count <= expected.most) return;
    refuse("has " + std::to_string(count) + what + ", and " + std::to_string(expected.least) +
           (expected.least == expected.most ? "" : " or more") + " are expected");
  }

  void check_required_inputs() const {
    const std::size_t required = operand_counts(kind()).required_inputs.value_or(operation_.inputs.size());
    if (operation_.inputs.size() < required) {
      refuse("has " + std::to_string(operation_.inputs.size()) + " inputs, and needs " + std::to_string(required));
    }
    for (std::size_t i = 0; i < required; ++i) {
      if (operation_.inputs[i] < 0) refuse("leaves out input " + std::to_string(i) + ", which it needs");
    }
  }

  void check_output_type() const {
    const std::optional<std::size_t> position = input_of_output_type(kind());
    if (!position || operation_.inputs.size() <= *position || operation_.outputs.empty()) return;
    const ElementType input = graph_.tensor(operation_.inputs[*position]).type;
    const ElementType output = graph_.tensor(operation_.outputs[0]).type;
    if (input != output) refuse_types(input, output);
  }

  [[noreturn]] void refuse_types(ElementType input, ElementType output) const {
    refuse("has an input of " + std::string(name_of(input)) + " and an output of " + std::string(name_of(output)) +
           ", and one type for both is expected");
  }

  // Kernels that take all other types for float32, whose elements may be larger (2.3.0).
  void check_types(std::initializer_list<ElementType> known) const {
    const ElementType type = graph_.tensor(operation_.inputs[0]).type;
    if (std::ranges::find(known, type) == known.end()) {
      refuse("has an input of " + std::string(name_of(type)) + ", which its kernel takes for float32");
    }
  }

  // The kernels begin with the first pixel, whether or not there is one (2.3.0).
  void check_resize() const {
    const std::int32_t input = operation_.inputs[0];
    if (graph_.tensor(input).is_empty()) {
      refuse("resizes " + graph_.name_of_tensor(static_cast<std::size_t>(input)) + ", which is empty");
    }
  }

  // XNNPACK unpacks a constant by the shape of the result, into memory of that size (2.3.0).
  void check_unpacked() const {
    const std::int32_t input = operation_.inputs[0];
    const std::int32_t output = operation_.outputs[0];
    if (graph_.tensor_details(input).constant.empty() || graph_.tensor(input).shape == graph_.tensor(output).shape)
      return;
    refuse("unpacks a constant of shape " + to_string(graph_.tensor(input).shape) + " as one of shape " +
           to_string(graph_.tensor(output).shape));
  }

  // Strides and window sizes, which have no default, and dilations, whose default is 1.
  void check_window(std::initializer_list<unsigned> sizes, std::initializer_list<unsigned> dilations) const {
    const flatbuffer::Table table = options();
    const auto padding = table.scalar<std::int8_t>(0, 0);
    if (padding != 0 && padding != 1) {
      refuse("has padding " + std::to_string(padding) + ", and 0 (SAME) or 1 (VALID) is expected");
    }
    // Kernels compute with their products in 32 bits.
    constexpr std::int32_t kLargest = 1 << 15;
    const auto require = [&](unsigned field, std::int32_t value) {
      if (value < 1 || value > kLargest) {
        refuse("has a stride, window or dilation of " + std::to_string(value) + " (option " + std::to_string(field) +
               "), and 1 to " + std::to_string(kLargest) + " is expected");
      }
    };
    for (const unsigned field : sizes) require(field, table.scalar<std::int32_t>(field, 0));
    for (const unsigned field : dilations) require(field, table.scalar<std::int32_t>(field, 1));
  }

  // The builtin kernel reads a bias whether or not there is one (2.3.0); XNNPACK, which does not, takes constant
  // weights.
  void check_bias() const {
    const bool has_bias = operation_.inputs.size() > 2 && operation_.inputs[2] >= 0;
    if (!has_bias && graph_.tensor_details(operation_.inputs[1]).constant.empty()) {
      refuse("has no bias, which its kernel reads where weights are no constant");
    }
  }

  // Kernels for int8 weights take it as it is (2.3.0); others compute it, and old files leave it out.
  void check_depth_multiplier() const {
    const TensorDescription& filter = graph_.tensor(operation_.inputs[1]);
    if (filter.type != ElementType::int8) return;
    const std::vector<std::int32_t>& input = graph_.tensor(operation_.inputs[0]).shape;
    const auto multiplier = std::int64_t{options().scalar<std::int32_t>(3, 0)};
    if (input.empty() || filter.shape.empty() || multiplier * input.back() != filter.shape.back()) {
      refuse("has a depth multiplier of " + std::to_string(multiplier) + " for an input of the shape " +
             to_string(input) + " and weights of the shape " + to_string(filter.shape));
    }
  }

  void check_output_count() const {
    const auto count = options().scalar<std::int32_t>(0, 0);
    if (count < 1 || static_cast<std::size_t>(count) != operation_.outputs.size()) {
      refuse("splits its input into " + std::to_string(count) + " parts, and has " +
             std::to_string(operation_.outputs.size()) + " outputs");
    }
  }

  void check_block_size() const {
    const auto size = options().scalar<std::int32_t>(0, 0);
    if (size < 1) refuse("works on blocks of " + std::to_string(size) + ", and at least 1 is expected");
  }

  // Quantizes to values of some bits between two numbers, which have to lie around zero.
  void check_fake_quant() const {
    check_types({ElementType::float32});
    const flatbuffer::Table table = options();
    const auto least = table.scalar<float>(0, 0);
    const auto most = table.scalar<float>(1, 0);
    const auto bits = table.scalar<std::int32_t>(2, 0);
    const bool around_zero = least <= 0 && most >= 0 && least < most;
    const bool can_be_counted = bits >= 2 && bits <= 16;
    if (!around_zero || !can_be_counted) {
      refuse("quantizes to " + std::to_string(bits) + " bits from " + std::to_string(least) + " to " +
             std::to_string(most) + ", and 2 to 16 bits and numbers around zero are expected");
    }
  }

  // Kernels for floating point don't look at the output's type.
  void check_result_type() const {
    const ElementType input = graph_.tensor(operation_.inputs[0]).type;
    const ElementType output = graph_.tensor(operation_.outputs[0]).type;
    const auto is_floating = [](ElementType type) {
      return type == ElementType::float32 || type == ElementType::float16 || type == ElementType::float64;
    };
    const bool is_narrower = byte_size(output, {}) < byte_size(input, {});
    if (input != output && (is_floating(input) || is_floating(output) || is_narrower)) refuse_types(input, output);
  }

  void check_radius() const {
    constexpr std::int32_t kLargest = 1 << 15;
    const auto radius = options().scalar<std::int32_t>(0, 0);
    if (radius < 0 || radius > kLargest) {
      refuse("has a radius of " + std::to_string(radius) + ", and 0 to " + std::to_string(kLargest) + " is expected");
    }
  }

  // Those that the runtime brings with it take their settings from a FlexBuffer, which it does not verify (2.3.0).
  void check_custom() const {
    static constexpr auto kWithFlexBuffer =
        std::to_array<std::string_view>({"TFLite_Detection_PostProcess", "AudioSpectrogram", "Mfcc", "NumericVerify"});
    if (std::ranges::find(kWithFlexBuffer, code_.custom_code) == kWithFlexBuffer.end()) return;
    if (const std::optional<std::string> wrong = flexbuffer::unsound_settings(operation_.custom_options)) {
      refuse("has settings that can't be read: " + *wrong);
    }
    if (code_.custom_code == kWithFlexBuffer.front()) check_detection(graph_, index_);
  }
};

}  // namespace

void check_operator(const GraphView& graph, std::size_t index) { OperatorCheck(graph, index).run(); }

}  // namespace zerolite

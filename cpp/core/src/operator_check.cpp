#include "zerolite/operator_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "zerolite/element_type.hpp"
#include "zerolite/error.hpp"
#include "zerolite/flexbuffer_check.hpp"
#include "zerolite/operands.hpp"
#include "zerolite/operator_numbers.hpp"
#include "zerolite/tensor_spec.hpp"

namespace zerolite {
namespace {

using builtin::Operator;

// Operators with inputs that may be left out, and how many at the front may not be. All others need what they list.
struct OptionalInputs {
  Operator operation;
  std::size_t required;
};

constexpr auto kOptionalInputs = std::to_array<OptionalInputs>({
    {Operator::conv_2d, 2},
    {Operator::conv_3d, 2},
    {Operator::conv_3d_transpose, 3},
    {Operator::depthwise_conv_2d, 2},
    {Operator::fully_connected, 2},
    {Operator::lstm, 1},
    {Operator::svdf, 3},
    {Operator::unidirectional_sequence_lstm, 1},
    {Operator::bidirectional_sequence_lstm, 1},
    {Operator::bidirectional_sequence_rnn, 9},
    {Operator::transpose_conv, 3},
});

class OperatorCheck {
 public:
  OperatorCheck(const GraphView& graph, std::size_t index)
      : graph_(graph),
        index_(index),
        code_(graph.model.operator_codes[graph.description.operators[index]]),
        operation_(graph.details.operators[index]) {}

  void run() const {
    check_counts();
    check_required_inputs();
    check_copied_type();
    switch (static_cast<Operator>(code_.builtin_code)) {
      case Operator::add:
        return check_sum(Ratio::below_one);
      case Operator::sub:
        return check_sum(Ratio::any);
      case Operator::squared_difference:
        return check_squared_difference();
      case Operator::equal:
      case Operator::not_equal:
      case Operator::less:
      case Operator::less_equal:
      case Operator::greater:
      case Operator::greater_equal:
        return check_comparison();
      case Operator::softmax:
        return check_softmax();
      case Operator::dequantize:
        check_channels();
        return check_unpacked();
      case Operator::quantize:
        return check_channels();
      case Operator::densify:
        return check_unpacked();
      case Operator::conv_2d:
        return check_window(1, {1, 2}, {4, 5});
      case Operator::depthwise_conv_2d:
        return check_window(2, {1, 2}, {5, 6});
      case Operator::transpose_conv:
        return check_window(49, {1, 2}, {});
      case Operator::conv_3d:
      case Operator::conv_3d_transpose:
        return check_window(106, {1, 2, 3}, {5, 6, 7});
      case Operator::average_pool_2d:
      case Operator::max_pool_2d:
      case Operator::l2_pool_2d:
        return check_window(5, {1, 2, 3, 4}, {});
      case Operator::split:
        return check_output_count(35);
      case Operator::split_v:
        return check_output_count(79);
      case Operator::unpack:
        return check_output_count(64);
      case Operator::space_to_depth:
        return check_block_size(19);
      case Operator::depth_to_space:
        return check_block_size(94);
      case Operator::custom:
        return check_custom();
      default:
        return;
    }
  }

 private:
  enum class Ratio { below_one, any };

  [[noreturn]] void refuse(const std::string& what) const {
    throw InvalidModelError(graph_.name_of_operator(index_) + " " + what);
  }

  void check_counts() const {
    const std::optional<OperandCounts> counts = operand_counts(code_.builtin_code);
    if (!counts) return;
    const std::size_t inputs = operation_.inputs.size();
    const std::size_t outputs = operation_.outputs.size();
    if (inputs < counts->least_inputs || inputs > counts->most_inputs) {
      refuse("has " + std::to_string(inputs) + " inputs, and " + std::to_string(counts->least_inputs) +
             (counts->least_inputs == counts->most_inputs ? "" : " or more") + " are expected");
    }
    if (outputs < counts->least_outputs || outputs > counts->most_outputs) {
      refuse("has " + std::to_string(outputs) + " outputs, and " + std::to_string(counts->least_outputs) +
             (counts->least_outputs == counts->most_outputs ? "" : " or more") + " are expected");
    }
  }

  void check_required_inputs() const {
    const auto* const found =
        std::ranges::find(kOptionalInputs, static_cast<Operator>(code_.builtin_code), &OptionalInputs::operation);
    const std::size_t required = found == kOptionalInputs.end() ? operation_.inputs.size() : found->required;
    if (operation_.inputs.size() < required) {
      refuse("has " + std::to_string(operation_.inputs.size()) + " inputs, and needs " + std::to_string(required));
    }
    for (std::size_t i = 0; i < required; ++i) {
      if (operation_.inputs[i] < 0) refuse("leaves out input " + std::to_string(i) + ", which it needs");
    }
  }

  // Some kernels copy as many bytes as the input has, into memory for the output's type (2.3.0).
  void check_copied_type() const {
    const std::optional<std::size_t> copied = copied_input(code_.builtin_code);
    if (!copied || operation_.inputs.size() <= *copied || operation_.outputs.empty()) return;
    const ElementType from = graph_.tensor(operation_.inputs[*copied]).type;
    const ElementType to = graph_.tensor(operation_.outputs[0]).type;
    if (from != to) {
      refuse("copies " + std::string(name_of(from)) + " into an output of " + std::string(name_of(to)));
    }
  }

  [[nodiscard]] const flatbuffer::Table& options(std::uint8_t type) const {
    if (operation_.options.type != type || !operation_.options.table) {
      refuse("has no options of its own kind, which say how it works");
    }
    return *operation_.options.table;
  }

  // Kernels turn scales into fixed-point multipliers, and end the process over one that is not in their range (2.3.0).
  [[nodiscard]] bool is_quantized(std::int32_t index) const {
    const ElementType type = graph_.tensor(index).type;
    const bool has_scales = !graph_.tensor_details(index).scales.empty();
    return type == ElementType::int8 || type == ElementType::uint8 || (type == ElementType::int16 && has_scales);
  }

  [[nodiscard]] double scale_of(std::int32_t index) const {
    const TensorDetails& tensor = graph_.tensor_details(index);
    if (tensor.scales.size() != 1) {
      refuse("works on quantized values, and " + graph_.name_of_tensor(static_cast<std::size_t>(index)) + " has " +
             std::to_string(tensor.scales.size()) + " scales in place of one");
    }
    return static_cast<double>(tensor.scales.front());
  }

  // The two inputs are brought to twice the larger scale, and from there, with some bits more, to that of the output.
  void check_sum(Ratio ratio) const {
    if (!is_quantized(operation_.inputs[0])) return;
    const double largest = largest_input_scale();
    const int bits = graph_.tensor(operation_.inputs[0]).type == ElementType::int16 ? 15 : 20;
    const double multiplier = 2 * largest / (std::ldexp(1.0, bits) * scale_of(operation_.outputs[0]));
    require_multiplier(multiplier, ratio);
  }

  void check_squared_difference() const {
    if (graph_.tensor(operation_.inputs[0]).type != ElementType::int8) return;
    const double largest = 2 * largest_input_scale();
    constexpr int kBits = 14;
    require_multiplier(largest * largest / (std::ldexp(1.0, kBits) * scale_of(operation_.outputs[0])),
                       Ratio::below_one);
  }

  [[nodiscard]] double largest_input_scale() const {
    const double left = scale_of(operation_.inputs[0]);
    const double right = scale_of(operation_.inputs[1]);
    const double largest = std::max(left, right);
    require_multiplier(left / (2 * largest), Ratio::below_one);
    require_multiplier(right / (2 * largest), Ratio::below_one);
    return largest;
  }

  void require_multiplier(double multiplier, Ratio ratio) const {
    const bool in_range = std::isfinite(multiplier) && multiplier > 0 && (ratio == Ratio::any || multiplier < 1);
    // Just below one a multiplier is rounded up to it.
    constexpr double kRoundedToOne = 1 - 0x1p-32;
    if (!in_range || (ratio == Ratio::below_one && multiplier >= kRoundedToOne)) {
      refuse("has scales so far apart that its kernel can't bring them together (a ratio of " +
             std::to_string(multiplier) + ")");
    }
  }

  void check_comparison() const {
    for (const std::int32_t input : operation_.inputs) {
      if (!is_quantized(input)) continue;
      const double scale = scale_of(input);
      if (scale <= 0 || scale == 1) {
        refuse("compares quantized values of scale " + std::to_string(scale) +
               ", for which its kernel ends the process");
      }
    }
  }

  void check_softmax() const {
    const std::int32_t input = operation_.inputs[0];
    const ElementType type = graph_.tensor(input).type;
    if (type != ElementType::int8 && type != ElementType::uint8) return;
    const auto beta = static_cast<double>(options(9).scalar<float>(0, 0));
    constexpr int kFractionBits = 26;
    if (!(beta * scale_of(input) * std::ldexp(1.0, kFractionBits) > 1)) {
      refuse("has a beta of " + std::to_string(beta) + " for an input of scale " + std::to_string(scale_of(input)) +
             ", whose product is too small or negative");
    }
  }

  // Kernels for several scales begin with the first value, whether or not there is one (2.3.0).
  void check_channels() const {
    for (const std::int32_t operand : {operation_.inputs[0], operation_.outputs[0]}) {
      const bool is_empty = byte_size(ElementType::int8, graph_.tensor(operand).shape) == 0U;
      if (is_empty && graph_.tensor_details(operand).scales.size() > 1) {
        refuse("works on " + graph_.name_of_tensor(static_cast<std::size_t>(operand)) +
               ", which is empty and has several scales");
      }
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
  void check_window(std::uint8_t options_type, std::initializer_list<unsigned> sizes,
                    std::initializer_list<unsigned> dilations) const {
    const flatbuffer::Table& table = options(options_type);
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

  void check_output_count(std::uint8_t options_type) const {
    const auto count = options(options_type).scalar<std::int32_t>(0, 0);
    if (count < 1 || static_cast<std::size_t>(count) != operation_.outputs.size()) {
      refuse("splits its input into " + std::to_string(count) + " parts, and has " +
             std::to_string(operation_.outputs.size()) + " outputs");
    }
  }

  void check_block_size(std::uint8_t options_type) const {
    const auto size = options(options_type).scalar<std::int32_t>(0, 0);
    if (size < 1) refuse("works on blocks of " + std::to_string(size) + ", and at least 1 is expected");
  }

  // Those that the runtime brings with it take their settings from a FlexBuffer, which it does not verify (2.3.0).
  void check_custom() const {
    static constexpr auto kWithFlexBuffer =
        std::to_array<std::string_view>({"TFLite_Detection_PostProcess", "AudioSpectrogram", "Mfcc", "NumericVerify"});
    if (std::ranges::find(kWithFlexBuffer, code_.custom_code) == kWithFlexBuffer.end()) return;
    if (const std::optional<std::string> wrong = flexbuffer::unsound_settings(operation_.custom_options)) {
      refuse("has settings that can't be read: " + *wrong);
    }
  }

  const GraphView& graph_;
  std::size_t index_;
  const OperatorCode& code_;
  const OperatorDetails& operation_;
};

}  // namespace

void check_operator(const GraphView& graph, std::size_t index) { OperatorCheck(graph, index).run(); }

}  // namespace zerolite

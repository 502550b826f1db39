#include "zerolite/verification/quantized_operator_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "zerolite/model/operators.hpp"
#include "zerolite/tensor/element_type.hpp"
#include "zerolite/tensor/tensor_spec.hpp"
#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {
namespace {

// Kernels turn scales into fixed-point multipliers, and end the process over one that is not in their range (2.3.0).
class QuantizedOperatorCheck : CheckedOperator {
 public:
  using CheckedOperator::CheckedOperator;

  void run() const {
    switch (kind()) {
      case Operator::ADD:
        return check_sum(Ratio::below_one);
      case Operator::SUB:
        return check_sum(Ratio::any);
      case Operator::MUL:
        return check_product();
      case Operator::SQUARED_DIFFERENCE:
        return check_squared_difference();
      case Operator::EQUAL:
      case Operator::NOT_EQUAL:
      case Operator::LESS:
      case Operator::LESS_EQUAL:
      case Operator::GREATER:
      case Operator::GREATER_EQUAL:
        return check_comparison();
      case Operator::LOG:
      case Operator::SQRT:
      case Operator::RSQRT:
        return check_table();
      case Operator::QUANTIZE:
      case Operator::DEQUANTIZE:
        return check_channels();
      default:
        return;
    }
  }

 private:
  enum class Ratio { below_one, any };

  [[nodiscard]] bool is_quantized(std::int32_t index) const {
    const ElementType type = graph_.tensor(index).type;
    const bool has_scales = !graph_.tensor_details(index).scales.empty();
    return type == ElementType::int8 || type == ElementType::uint8 || (type == ElementType::int16 && has_scales);
  }

  // Kernels decide by one of the tensors, and use the scales of all.
  [[nodiscard]] bool computes_quantized() const {
    return std::ranges::any_of(operation_.inputs, [this](std::int32_t input) { return is_quantized(input); }) ||
           is_quantized(operation_.outputs[0]);
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
    const bool is_int16 = graph_.tensor(operation_.inputs[0]).type == ElementType::int16;
    // The kernel of SUB takes all int16 for quantized.
    const bool always_quantized = is_int16 && ratio == Ratio::any;
    if (!always_quantized && !computes_quantized()) return;
    if (is_int16) check_shifts();
    const double largest = largest_input_scale();
    const int bits = is_int16 ? 15 : 20;
    const double multiplier = 2 * largest / (std::ldexp(1.0, bits) * scale_of(operation_.outputs[0]));
    require_multiplier(multiplier, ratio);
  }

  // Values of 16 bits whose scales are powers of two are shifted, unless an option says otherwise, by a kernel that
  // takes both inputs for one shape.
  void check_shifts() const {
    constexpr unsigned kShifted = 1;
    if (operation_.options.table && operation_.options.table->scalar<std::uint8_t>(kShifted, 1) == 0) return;
    const auto is_power_of_two = [this](std::int32_t index) {
      constexpr double kTolerance = 1e-3;
      const double power = std::log2(scale_of(index));
      return std::abs(power - std::round(power)) < kTolerance;
    };
    const std::int32_t left = operation_.inputs[0];
    const std::int32_t right = operation_.inputs[1];
    if (is_power_of_two(left) && is_power_of_two(right) && is_power_of_two(operation_.outputs[0]) &&
        graph_.tensor(left).shape != graph_.tensor(right).shape) {
      refuse("has inputs of the shapes " + to_string(graph_.tensor(left).shape) + " and " +
             to_string(graph_.tensor(right).shape) + ", and for scales that are powers of two one shape is expected");
    }
  }

  void check_product() const {
    if (!computes_quantized()) return;
    const double product = scale_of(operation_.inputs[0]) * scale_of(operation_.inputs[1]);
    const double multiplier = product / scale_of(operation_.outputs[0]);
    if (!std::isfinite(multiplier)) refuse("has an output of scale zero");
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
    const bool quantized = std::ranges::any_of(operation_.inputs, [this](std::int32_t i) { return is_quantized(i); });
    if (!quantized) return;
    for (const std::int32_t input : operation_.inputs) {
      const double scale = scale_of(input);
      if (scale <= 0 || scale == 1) {
        refuse("compares quantized values of scale " + std::to_string(scale) +
               ", for which its kernel ends the process");
      }
    }
  }

  // Values of 16 bits are looked up in a table, which is only there for quantized ones.
  void check_table() const {
    if (graph_.tensor(operation_.inputs[0]).type != ElementType::int16) return;
    (void)scale_of(operation_.inputs[0]);
    (void)scale_of(operation_.outputs[0]);
  }

  // Kernels for several scales begin with the first value, whether or not there is one, and take the shape of the input
  // for that of the output.
  void check_channels() const {
    const TensorDescription& input = graph_.tensor(operation_.inputs[0]);
    const Shape& from = input.shape;
    const Shape& to = graph_.tensor(operation_.outputs[0]).shape;
    for (const std::int32_t operand : {operation_.inputs[0], operation_.outputs[0]}) {
      if (graph_.tensor_details(operand).scales.size() <= 1) continue;
      if (input.is_empty() || from != to) {
        refuse("works on values of the shape " + to_string(from) + ", and has an output of the shape " + to_string(to) +
               " and several scales; one shape, which is not empty, is expected");
      }
    }
  }

  using Shape = std::vector<std::int32_t>;
};

}  // namespace

void check_quantized_operator(const GraphView& graph, std::size_t index) { QuantizedOperatorCheck(graph, index).run(); }

}  // namespace zerolite

#include "zerolite/verification/quantized_operator_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace zerolite {
namespace {

enum class Ratio { below_one, any };

bool is_quantized(const Operand& operand) {
  const ElementType type = operand.type();
  return type == ElementType::int8 || type == ElementType::uint8 ||
         (type == ElementType::int16 && !operand.scales().empty());
}

bool has_quantized_input(const CheckedOperator& operation) {
  return is_quantized(operation.input(0)) || is_quantized(operation.input(1));
}

// Kernels decide by one of the tensors, and use the scales of all.
bool computes_quantized(const CheckedOperator& operation) {
  return has_quantized_input(operation) || is_quantized(operation.output());
}

double scale_of(const CheckedOperator& operation, const Operand& operand) {
  const std::vector<float>& scales = operand.scales();
  if (scales.size() != 1) {
    operation.refuse("works on quantized values, and ", operand.name(), " has ", scales.size(),
                     " scales in place of one");
  }
  return static_cast<double>(scales.front());
}

void require_multiplier(const CheckedOperator& operation, double multiplier, Ratio ratio) {
  const bool in_range = std::isfinite(multiplier) && multiplier > 0 && (ratio == Ratio::any || multiplier < 1);
  // Just below one a multiplier is rounded up to it.
  constexpr double kRoundedToOne = 1 - 0x1p-32;
  operation.require(in_range && (ratio != Ratio::below_one || multiplier < kRoundedToOne),
                    "has scales so far apart that its kernel can't bring them together (a ratio of ", multiplier, ")");
}

double largest_input_scale(const CheckedOperator& operation) {
  const double left = scale_of(operation, operation.input(0));
  const double right = scale_of(operation, operation.input(1));
  const double largest = std::max(left, right);
  require_multiplier(operation, left / (2 * largest), Ratio::below_one);
  require_multiplier(operation, right / (2 * largest), Ratio::below_one);
  return largest;
}

// Values of 16 bits whose scales are powers of two are shifted, unless an option says otherwise, by a kernel that
// takes both inputs for one shape.
void check_shifts(const CheckedOperator& operation) {
  constexpr unsigned kShifted = 1;
  const OperatorOptions& options = operation.details().options;
  if (options.table && options.table->scalar<std::uint8_t>(kShifted, 1) == 0) return;
  const auto is_power_of_two = [&](const Operand& operand) {
    constexpr double kTolerance = 1e-3;
    const double power = std::log2(scale_of(operation, operand));
    return std::abs(power - std::round(power)) < kTolerance;
  };
  operation.require(!is_power_of_two(operation.input(0)) || !is_power_of_two(operation.input(1)) ||
                        !is_power_of_two(operation.output()) || operation.shape(0) == operation.shape(1),
                    "has inputs of the shapes ", operation.shape(0), " and ", operation.shape(1),
                    ", and for scales that are powers of two one shape is expected");
}

// The two inputs are brought to twice the larger scale, and from there, with some bits more, to that of the output.
void check_sum(const CheckedOperator& operation, Ratio ratio) {
  const bool is_int16 = operation.type(0) == ElementType::int16;
  // The kernel of SUB takes all int16 for quantized.
  const bool always_quantized = is_int16 && ratio == Ratio::any;
  if (!always_quantized && !computes_quantized(operation)) return;
  if (is_int16) check_shifts(operation);
  const double largest = largest_input_scale(operation);
  const int bits = is_int16 ? 15 : 20;
  const double scale = scale_of(operation, operation.output());
  require_multiplier(operation, 2 * largest / (std::ldexp(1.0, bits) * scale), ratio);
}

void check_product(const CheckedOperator& operation) {
  if (!computes_quantized(operation)) return;
  const double product = scale_of(operation, operation.input(0)) * scale_of(operation, operation.input(1));
  const double multiplier = product / scale_of(operation, operation.output());
  operation.require(std::isfinite(multiplier), "has an output of scale zero");
}

void check_squared_difference(const CheckedOperator& operation) {
  if (operation.type(0) != ElementType::int8) return;
  const double largest = 2 * largest_input_scale(operation);
  constexpr int kBits = 14;
  const double scale = scale_of(operation, operation.output());
  require_multiplier(operation, largest * largest / (std::ldexp(1.0, kBits) * scale), Ratio::below_one);
}

void check_comparison(const CheckedOperator& operation) {
  if (!has_quantized_input(operation)) return;
  for (const std::size_t input : {std::size_t{0}, std::size_t{1}}) {
    const double scale = scale_of(operation, operation.input(input));
    operation.require(scale > 0 && scale != 1, "compares quantized values of scale ", scale,
                      ", for which its kernel ends the process");
  }
}

// Values of 16 bits are looked up in a table, which is only there for quantized ones.
void check_table(const CheckedOperator& operation) {
  if (operation.type(0) != ElementType::int16) return;
  (void)scale_of(operation, operation.input(0));
  (void)scale_of(operation, operation.output());
}

// Kernels for several scales begin with the first value, whether or not there is one, and take the shape of the input
// for that of the output.
void check_channels(const CheckedOperator& operation) {
  const Operand input = operation.input(0);
  const Operand output = operation.output();
  const bool has_channels = input.scales().size() > 1 || output.scales().size() > 1;
  operation.require(!has_channels || (!input.is_empty() && input.shape() == output.shape()),
                    "works on values of the shape ", input.shape(), ", and has an output of the shape ", output.shape(),
                    " and several scales; one shape, which is not empty, is expected");
}

// The integer kernels multiply weights by zero points while they are prepared, when what a run computes is not there
// yet; the fields of the operator in between are its states (2.3.0).
void check_constant_weights(const CheckedOperator& operation) {
  constexpr std::size_t kOutputState = 18;
  constexpr std::size_t kCellState = 19;
  if (operation.type(0) != ElementType::int8) return;
  for (std::size_t i = 1; i < operation.details().inputs.size(); ++i) {
    if (i == kOutputState || i == kCellState || !operation.has_input(i)) continue;
    operation.require(!operation.constant(i).empty(), "has weights that a run computes, ", operation.input(i).name(),
                      ", and its kernel for int8 takes constant ones");
  }
}

}  // namespace

// Kernels turn scales into fixed-point multipliers, and end the process over one that is not in their range (2.3.0).
void check_quantized_operator(const CheckedOperator& operation) {
  switch (operation.kind()) {
    case Operator::ADD:
      return check_sum(operation, Ratio::below_one);
    case Operator::SUB:
      return check_sum(operation, Ratio::any);
    case Operator::MUL:
      return check_product(operation);
    case Operator::SQUARED_DIFFERENCE:
      return check_squared_difference(operation);
    case Operator::EQUAL:
    case Operator::NOT_EQUAL:
    case Operator::LESS:
    case Operator::LESS_EQUAL:
    case Operator::GREATER:
    case Operator::GREATER_EQUAL:
      return check_comparison(operation);
    case Operator::LOG:
    case Operator::SQRT:
    case Operator::RSQRT:
      return check_table(operation);
    case Operator::LSTM:
    case Operator::UNIDIRECTIONAL_SEQUENCE_LSTM:
      return check_constant_weights(operation);
    case Operator::QUANTIZE:
    case Operator::DEQUANTIZE:
      return check_channels(operation);
    default:
      return;
  }
}

}  // namespace zerolite

#include "zerolite/verification/operator_check.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zerolite/verification/checked_operator.hpp"
#include "zerolite/verification/named_operator_check.hpp"
#include "zerolite/verification/operand_shape_check.hpp"
#include "zerolite/verification/operand_table.hpp"
#include "zerolite/verification/quantized_operator_check.hpp"

namespace zerolite {
namespace {

// Kernels compute with products of such settings in 32 bits.
constexpr std::int32_t kLargestSetting = 1 << 15;

void require_count(const CheckedOperator& operation, std::size_t count, CountRange expected, const std::string& what) {
  operation.require(count >= expected.least && count <= expected.most, "has ", count, what, ", and ", expected.least,
                    expected.least == expected.most ? "" : " or more", " are expected");
}

void check_operands(const CheckedOperator& operation) {
  const OperandCounts counts = operand_counts(operation.kind());
  const std::size_t inputs = operation.details().inputs.size();
  require_count(operation, inputs, counts.inputs, " inputs");
  require_count(operation, operation.details().outputs.size(), counts.outputs, " outputs");
  const std::size_t required = counts.required_inputs.value_or(inputs);
  operation.require(inputs >= required, "has ", inputs, " inputs, and needs ", required);
  for (std::size_t i = 0; i < required; ++i) {
    operation.require(operation.has_input(i), "leaves out input ", i, ", which it needs");
  }
}

[[noreturn]] void refuse_types(const CheckedOperator& operation, ElementType input, ElementType output) {
  operation.refuse("has an input of ", input, " and an output of ", output, ", and one type for both is expected");
}

void check_output_type(const CheckedOperator& operation) {
  const std::optional<std::size_t> position = input_of_output_type(operation.kind());
  if (!position || operation.details().inputs.size() <= *position || operation.details().outputs.empty()) return;
  const ElementType input = operation.type(*position);
  const ElementType output = operation.output().type();
  if (input != output) refuse_types(operation, input, output);
}

// Those that take references to variables and tables. Another kernel copies the memory behind one as if it were values
// (2.3.0).
constexpr std::array kWithReferences = {
    Operator::READ_VARIABLE,  Operator::ASSIGN_VARIABLE,
    Operator::HASHTABLE_FIND, Operator::HASHTABLE_IMPORT,
    Operator::HASHTABLE_SIZE, Operator::IF,
    Operator::WHILE,          Operator::CALL,
    Operator::STABLEHLO_CASE, Operator::CUSTOM,
    Operator::DELEGATE,       Operator::STABLEHLO_COMPOSITE,
};

void check_references(const CheckedOperator& operation) {
  if (std::ranges::find(kWithReferences, operation.kind()) != kWithReferences.end()) return;
  for (std::size_t i = 0; i < operation.details().inputs.size(); ++i) {
    if (!operation.has_input(i)) continue;
    operation.require(operation.type(i) != ElementType::resource, "has a reference to a variable or a table as input ",
                      i, ", and values are expected");
  }
}

// Kernels copy as many bytes as a constant's buffer holds into memory for its shape (2.3.0). Strings and sparse values
// have lengths of their own.
void check_constant_sizes(const CheckedOperator& operation) {
  for (std::size_t i = 0; i < operation.details().inputs.size(); ++i) {
    if (!operation.has_input(i)) continue;
    const Operand input = operation.input(i);
    const std::optional<std::size_t> size = byte_size(input.type(), input.shape());
    if (input.constant().empty() || input.is_sparse() || !size) continue;
    operation.require(input.constant().size() == *size, "has the constant ", input.name(), " of ", *size,
                      " bytes by its shape, and its buffer holds ", input.constant().size());
  }
}

// Kernels with a state change it as an input. An output that is a variable keeps the memory of its first shape (2.3.0).
void check_variable_outputs(const CheckedOperator& operation) {
  for (std::size_t i = 0; i < operation.details().outputs.size(); ++i) {
    const Operand output = operation.output(i);
    if (output.is_variable()) {
      operation.refuse("writes ", output.name(), ", which is a variable and is changed as an input alone");
    }
  }
}

// The kernel copies rows of the table as they are, or makes float32 of quantized ones (2.3.0).
void check_embedding_lookup(const CheckedOperator& operation) {
  const ElementType table = operation.type(1);
  const ElementType output = operation.output().type();
  operation.require(output == table || output == ElementType::float32, "looks up rows of ", table,
                    " and has an output of ", output, ", and the same type or float32 is expected");
  const bool is_quantized = byte_size(table, std::array<std::int32_t, 1>{1}).value_or(0) <= 1;
  operation.require(output != ElementType::float32 || table == ElementType::float32 || is_quantized,
                    "looks up rows of ", table, " as float32, and 8 bits at most are expected");
}

// XNNPACK unpacks a constant by the shape of the result, into memory of that size (2.3.0).
void check_unpacked(const CheckedOperator& operation) {
  const std::vector<std::int32_t>& to = operation.output().shape();
  operation.require(operation.constant(0).empty() || operation.shape(0) == to, "unpacks a constant of shape ",
                    operation.shape(0), " as one of shape ", to);
}

// Strides and window sizes, which have no default, and dilations, whose default is 1.
void check_window(const CheckedOperator& operation, std::initializer_list<unsigned> sizes,
                  std::initializer_list<unsigned> dilations) {
  const flatbuffer::Table table = operation.options();
  const auto padding = table.scalar<std::int8_t>(0, 0);
  operation.require(padding == 0 || padding == 1, "has padding ", padding, ", and 0 (SAME) or 1 (VALID) is expected");
  const auto require = [&](unsigned field, std::int32_t value) {
    operation.require(value >= 1 && value <= kLargestSetting, "has a stride, window or dilation of ", value,
                      " (option ", field, "), and 1 to ", kLargestSetting, " is expected");
  };
  for (const unsigned field : sizes) require(field, table.scalar<std::int32_t>(field, 0));
  for (const unsigned field : dilations) require(field, table.scalar<std::int32_t>(field, 1));
}

// The builtin kernel reads a bias whether or not there is one, and XNNPACK takes no operator without (2.3.0).
void check_bias(const CheckedOperator& operation) {
  operation.require(operation.has_input(2), "has no bias, which its kernel reads all the same");
}

// Kernels for int8 weights take it as it is (2.3.0); others compute it, and old files leave it out.
void check_depth_multiplier(const CheckedOperator& operation) {
  if (operation.type(1) != ElementType::int8) return;
  const std::vector<std::int32_t>& input = operation.shape(0);
  const std::vector<std::int32_t>& filter = operation.shape(1);
  const auto multiplier = std::int64_t{operation.options().scalar<std::int32_t>(3, 0)};
  operation.require(!input.empty() && !filter.empty() && multiplier * input.back() == filter.back(),
                    "has a depth multiplier of ", multiplier, " for an input of the shape ", input,
                    " and weights of the shape ", filter);
}

void check_output_count(const CheckedOperator& operation) {
  const auto count = operation.options().scalar<std::int32_t>(0, 0);
  const std::size_t outputs = operation.details().outputs.size();
  operation.require(count >= 1 && std::cmp_equal(count, outputs), "splits its input into ", count, " parts, and has ",
                    outputs, " outputs");
}

void check_block_size(const CheckedOperator& operation) {
  const auto size = operation.options().scalar<std::int32_t>(0, 0);
  operation.require(size >= 1, "works on blocks of ", size, ", and at least 1 is expected");
}

// Quantizes to values of some bits between two numbers, which have to lie around zero.
void check_fake_quant(const CheckedOperator& operation) {
  const flatbuffer::Table table = operation.options();
  const auto least = table.scalar<float>(0, 0);
  const auto most = table.scalar<float>(1, 0);
  const auto bits = table.scalar<std::int32_t>(2, 0);
  const bool around_zero = least <= 0 && most >= 0 && least < most;
  const bool can_be_counted = bits >= 2 && bits <= 16;
  operation.require(around_zero && can_be_counted, "quantizes to ", bits, " bits from ", least, " to ", most,
                    ", and 2 to 16 bits and numbers around zero are expected");
}

// Kernels for floating point don't look at the output's type.
void check_result_type(const CheckedOperator& operation) {
  const ElementType input = operation.type(0);
  const ElementType output = operation.output().type();
  const auto is_floating = [](ElementType type) {
    return type == ElementType::float32 || type == ElementType::float16 || type == ElementType::float64;
  };
  const bool is_narrower = byte_size(output, {}) < byte_size(input, {});
  if (input != output && (is_floating(input) || is_floating(output) || is_narrower)) {
    refuse_types(operation, input, output);
  }
}

void check_radius(const CheckedOperator& operation) {
  const auto radius = operation.options().scalar<std::int32_t>(0, 0);
  operation.require(radius >= 0 && radius <= kLargestSetting, "has a radius of ", radius, ", and 0 to ",
                    kLargestSetting, " is expected");
}

void check_kind(const CheckedOperator& operation) {
  switch (operation.kind()) {
    case Operator::EMBEDDING_LOOKUP:
      return check_embedding_lookup(operation);
    case Operator::DEQUANTIZE:
    case Operator::DENSIFY:
      return check_unpacked(operation);
    case Operator::FAKE_QUANT:
      return check_fake_quant(operation);
    case Operator::BATCH_MATMUL:
    case Operator::SOFTMAX:
      return check_result_type(operation);
    case Operator::LOCAL_RESPONSE_NORMALIZATION:
      return check_radius(operation);
    case Operator::CONV_2D:
      return check_window(operation, {1, 2}, {4, 5});
    case Operator::DEPTHWISE_CONV_2D:
      check_window(operation, {1, 2}, {5, 6});
      check_bias(operation);
      return check_depth_multiplier(operation);
    case Operator::TRANSPOSE_CONV:
      return check_window(operation, {1, 2}, {});
    case Operator::CONV_3D:
    case Operator::CONV_3D_TRANSPOSE:
      return check_window(operation, {1, 2, 3}, {5, 6, 7});
    case Operator::AVERAGE_POOL_2D:
    case Operator::MAX_POOL_2D:
    case Operator::L2_POOL_2D:
      return check_window(operation, {1, 2, 3, 4}, {});
    case Operator::SPLIT:
    case Operator::SPLIT_V:
    case Operator::UNPACK:
      return check_output_count(operation);
    case Operator::SPACE_TO_DEPTH:
    case Operator::DEPTH_TO_SPACE:
      return check_block_size(operation);
    case Operator::CUSTOM:
      return check_custom(operation);
    default:
      return;
  }
}

}  // namespace

void check_operator(const SubgraphView& graph, std::size_t index) {
  const CheckedOperator operation(graph, index);
  check_operands(operation);
  check_output_type(operation);
  check_references(operation);
  check_variable_outputs(operation);
  check_constant_sizes(operation);
  check_operand_table(operation);
  check_operand_shapes(operation);
  check_quantized_operator(operation);
  check_kind(operation);
}

}  // namespace zerolite

#include "zerolite/verification/operand_shape_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zerolite/verification/operand_rules.hpp"

namespace zerolite {
namespace {

using Shape = std::vector<std::int32_t>;

void require_rank(const CheckedOperator& operation, std::size_t least, std::size_t most) {
  operation.require(has_rank(operation, least, most), "has an input of the shape ", operation.shape(0), ", and ", least,
                    " to ", most, " dimensions are expected");
}

// It is divided by, and its first value is read.
void require_last_axis(const CheckedOperator& operation) {
  const Shape& shape = operation.shape(0);
  operation.require(!shape.empty() && shape.back() >= 1, "has an input of the shape ", shape,
                    ", and at least one value along a last axis is expected");
}

// Kernels that walk along two shapes, or three, that are broadcast have room for eight dimensions, and end the process
// over more (2.3.0). That of ADD does for int16 of one shape, too.
void require_broadcast(const CheckedOperator& operation) {
  constexpr std::size_t kMost = kMostBroadcastDimensions;
  const bool is_broadcast = !has_one_shape(operation) || operation.type(0) == ElementType::int16;
  const std::size_t rank = std::max(operation.shape(0).size(), operation.shape(1).size());
  operation.require(!is_broadcast || rank <= kMost, "broadcasts inputs of the shapes ", operation.shape(0), " and ",
                    operation.shape(1), ", and at most ", kMost, " dimensions are expected");
  // A loop whose condition comes of nothing reads its first value all the same.
  for (const std::size_t input : {std::size_t{0}, std::size_t{1}}) {
    operation.require(
        operation.constant(input).empty() || !is_empty(operation.shape(input)) || operation.output().is_empty(),
        "has a constant of the shape ", operation.shape(input), " and an output of the shape ",
        operation.output().shape(), ", which is to be empty then");
  }
}

// In steps through a sequence the kernel takes the length of a second input for that of the first, and does not look at
// the weights that belong to it (2.3.0).
void check_second_input(const CheckedOperator& operation) {
  constexpr std::size_t kSecondInput = 39;
  constexpr std::size_t kFirstWeights = 40;
  constexpr std::size_t kBackwardWeights = 44;
  constexpr std::size_t kEnd = 48;
  constexpr std::size_t kForwardCells = 2;
  constexpr std::size_t kBackwardCells = 19;
  for (std::size_t i = kFirstWeights; i < kEnd; ++i) {
    if (!operation.has_input(i)) continue;
    const std::size_t cells = i < kBackwardWeights ? kForwardCells : kBackwardCells;
    operation.require(operation.has_input(kSecondInput) && operation.has_input(cells),
                      "has weights for a second input, and leaves out what belongs to them");
    const Shape& weights = operation.shape(i);
    const bool fits = operation.shape(kSecondInput) == operation.shape(0) && weights.size() == 2 &&
                      !operation.shape(cells).empty() && weights[0] == operation.shape(cells)[0] &&
                      weights[1] == operation.shape(0).back();
    operation.require(fits, "has inputs of the shapes ", operation.shape(0), " and ", operation.shape(kSecondInput),
                      " and weights of the shape ", weights, ", which don't fit one another");
  }
}

// Its first element says along which axis the operator works.
void require_value(const CheckedOperator& operation, std::size_t input) {
  operation.require(!is_empty(operation.shape(input)), "works along an axis that is to be the value of input ", input,
                    ", which is empty");
}

void require_one_shape(const CheckedOperator& operation) {
  operation.require(has_one_shape(operation), "has inputs of the shapes ", operation.shape(0), " and ",
                    operation.shape(1), ", and one shape is expected");
}

void check_lengths(const CheckedOperator& operation) {
  const auto axis = operation.options().scalar<std::int32_t>(0, 0);
  const Shape& shape = operation.shape(0);
  const std::string place = "along axis " + std::to_string(axis) + " of the shape " + to_string(shape);
  operation.require(axis >= 0 && static_cast<std::size_t>(axis) < shape.size(), "reverses ", place);
  const std::optional<std::int64_t> wrong = impossible_length(operation, static_cast<std::size_t>(axis));
  if (wrong) operation.refuse("reverses ", *wrong, " values ", place);
}

void check_diagonal(const CheckedOperator& operation) {
  Shape expected = operation.shape(0);
  operation.require(expected.size() >= 2, "has an input of the shape ", expected, ", which holds no matrices");
  if (has_diagonals(operation)) return;
  const std::int32_t columns = expected.back();
  expected.pop_back();
  expected.back() = std::min(expected.back(), columns);
  operation.refuse("has diagonals of the shape ", operation.shape(1), ", and ", expected, " is expected");
}

std::size_t count_of(const Shape& shape) {
  std::size_t count = 1;
  for (const std::int32_t dimension : shape) count *= static_cast<std::size_t>(dimension);
  return count;
}

// XNNPACK has room for six sizes, looks at the output's dimensions, and stores as many as there are (2.3.0).
void check_new_shape(const CheckedOperator& operation) {
  constexpr std::size_t kMostDimensions = 6;
  std::size_t sizes = 0;
  if (operation.has_input(1)) {
    if (operation.constant(1).empty()) return;
    sizes = count_of(operation.shape(1));
  } else if (const auto options = options_of(operation.kind(), operation.details())) {
    sizes = options->scalars<std::int32_t>(0).size();
  }
  const Shape& result = operation.output().shape();
  operation.require(sizes <= kMostDimensions || sizes == result.size(), "has ", sizes,
                    " sizes for an output of the shape ", result);
}

// With sizes in the place of ends the kernel takes one for each dimension, while it is prepared, and uses an end mask
// for what it writes and not for the memory that it writes to (2.3.0).
void check_slice_sizes(const CheckedOperator& operation, const flatbuffer::Table& options) {
  constexpr unsigned kEndMask = 1;
  constexpr unsigned kEllipsisMask = 2;
  constexpr unsigned kNewAxisMask = 3;
  for (const unsigned mask : {kEndMask, kEllipsisMask, kNewAxisMask}) {
    operation.require(options.scalar<std::int32_t>(mask, 0) == 0,
                      "has sizes in the place of ends (offset), and a mask (option ", mask,
                      ") that can't be used with them");
  }
  const std::size_t rank = operation.shape(0).size();
  operation.require(!operation.constant(2).empty() && count_of(operation.shape(2)) == rank,
                    "has sizes in the place of ends (offset) of the shape ", operation.shape(2), ", and ", rank,
                    " constant values are expected");
}

void check_slice(const CheckedOperator& operation) {
  constexpr unsigned kOffset = 5;
  operation.require(count_of(operation.shape(3)) >= count_of(operation.shape(1)), "has strides of the shape ",
                    operation.shape(3), " for begins of the shape ", operation.shape(1));
  const std::optional<flatbuffer::Table> options = options_of(operation.kind(), operation.details());
  if (options && options->scalar<std::uint8_t>(kOffset, 0) != 0) check_slice_sizes(operation, *options);
}

}  // namespace

void check_operand_shapes(const CheckedOperator& operation) {
  switch (operation.kind()) {
    case Operator::SOFTMAX:
    case Operator::LOG_SOFTMAX:
      return require_last_axis(operation);
    case Operator::TRANSPOSE:
      return require_rank(operation, 1, 8);
    case Operator::LSTM:
    case Operator::UNIDIRECTIONAL_SEQUENCE_LSTM:
      return require_rank(operation, 2, 3);
    case Operator::BIDIRECTIONAL_SEQUENCE_LSTM:
      require_rank(operation, 2, 3);
      return check_second_input(operation);
    case Operator::ADD:
    case Operator::BITWISE_XOR:
    case Operator::DIV:
    case Operator::EQUAL:
    case Operator::FLOOR_DIV:
    case Operator::FLOOR_MOD:
    case Operator::GREATER:
    case Operator::GREATER_EQUAL:
    case Operator::LESS:
    case Operator::LESS_EQUAL:
    case Operator::LOGICAL_AND:
    case Operator::LOGICAL_OR:
    case Operator::MAXIMUM:
    case Operator::MINIMUM:
    case Operator::MUL:
    case Operator::NOT_EQUAL:
    case Operator::POW:
    case Operator::PRELU:
    case Operator::RIGHT_SHIFT:
    case Operator::SQUARED_DIFFERENCE:
    case Operator::SUB:
      return require_broadcast(operation);
    case Operator::RESHAPE:
      return check_new_shape(operation);
    case Operator::STRIDED_SLICE:
      return check_slice(operation);
    case Operator::SPLIT:
      return require_value(operation, 0);
    case Operator::REVERSE_V2:
      return require_value(operation, 1);
    case Operator::SPLIT_V:
      return require_value(operation, 2);
    case Operator::MATRIX_SET_DIAG:
      return check_diagonal(operation);
    case Operator::ATAN2:
    case Operator::STABLEHLO_SHIFT_LEFT:
      return require_one_shape(operation);
    case Operator::REVERSE_SEQUENCE:
      return check_lengths(operation);
    case Operator::BROADCAST_ARGS:
      operation.require(can_be_broadcast(operation), "broadcasts shapes that don't fit one another");
      return;
    default:
      return;
  }
}

}  // namespace zerolite

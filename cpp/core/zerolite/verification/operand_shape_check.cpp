#include "zerolite/verification/operand_shape_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/tensor/broadcast.hpp"
#include "zerolite/tensor/element_type.hpp"
#include "zerolite/tensor/tensor_spec.hpp"
#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {
namespace {

using Shape = std::vector<std::int32_t>;

class OperandShapeCheck : CheckedOperator {
 public:
  using CheckedOperator::CheckedOperator;

  void run() const {
    switch (kind()) {
      case Operator::SOFTMAX:
      case Operator::LOG_SOFTMAX:
        return require_last_axis();
      case Operator::TRANSPOSE:
        return require_rank(1, 8);
      case Operator::LSTM:
      case Operator::UNIDIRECTIONAL_SEQUENCE_LSTM:
      case Operator::BIDIRECTIONAL_SEQUENCE_LSTM:
        return require_rank(2, 3);
      case Operator::SPLIT:
        return require_value(0);
      case Operator::REVERSE_V2:
        return require_value(1);
      case Operator::SPLIT_V:
        return require_value(2);
      case Operator::MATRIX_SET_DIAG:
        return check_diagonal();
      case Operator::ATAN2:
      case Operator::STABLEHLO_SHIFT_LEFT:
        return require_one_shape();
      case Operator::REVERSE_SEQUENCE:
        return check_lengths();
      case Operator::BROADCAST_ARGS:
        return check_broadcast();
      default:
        return;
    }
  }

 private:
  [[nodiscard]] const Shape& shape_of(std::size_t input) const { return graph_.tensor(operation_.inputs[input]).shape; }

  void require_rank(std::size_t least, std::size_t most) const {
    const Shape& shape = shape_of(0);
    if (shape.size() < least || shape.size() > most) {
      refuse("has an input of the shape " + to_string(shape) + ", and " + std::to_string(least) + " to " +
             std::to_string(most) + " dimensions are expected");
    }
  }

  // It is divided by, and its first value is read.
  void require_last_axis() const {
    const Shape& shape = shape_of(0);
    if (shape.empty() || shape.back() < 1) {
      refuse("has an input of the shape " + to_string(shape) +
             ", and at least one value along a last axis is expected");
    }
  }

  // Its first element says along which axis the operator works.
  void require_value(std::size_t input) const {
    if (graph_.tensor(operation_.inputs[input]).is_empty()) {
      refuse("works along an axis that is to be the value of input " + std::to_string(input) + ", which is empty");
    }
  }

  void require_one_shape() const {
    if (shape_of(0) != shape_of(1)) {
      refuse("has inputs of the shapes " + to_string(shape_of(0)) + " and " + to_string(shape_of(1)) +
             ", and one shape is expected");
    }
  }

  // The kernel compares the first length alone with the axis along which it reverses. Those that come with a run are
  // not known here.
  void check_lengths() const {
    const auto axis = options().scalar<std::int32_t>(0, 0);
    const Shape& shape = shape_of(0);
    if (axis < 0 || static_cast<std::size_t>(axis) >= shape.size()) {
      refuse("reverses along axis " + std::to_string(axis) + " of the shape " + to_string(shape));
    }
    for (const std::int64_t length : constant_integers(1)) {
      if (length < 0 || length > shape[static_cast<std::size_t>(axis)]) {
        refuse("reverses " + std::to_string(length) + " values along axis " + std::to_string(axis) + " of the shape " +
               to_string(shape));
      }
    }
  }

  // The kernel ends the process while it is prepared, if it finds constants that it can't broadcast.
  void check_broadcast() const {
    const std::vector<std::int64_t> left = constant_integers(0);
    const std::vector<std::int64_t> right = constant_integers(1);
    const bool fits = can_be_broadcast(std::span<const std::int64_t>(left), std::span<const std::int64_t>(right));
    if (!fits) refuse("broadcasts shapes that don't fit one another");
  }

  // The values of an input of int32 or int64; none where only a run tells.
  [[nodiscard]] std::vector<std::int64_t> constant_integers(std::size_t input) const {
    const std::int32_t tensor = operation_.inputs[input];
    const bool is_long = graph_.tensor(tensor).type == ElementType::int64;
    const std::span<const std::byte> constant = graph_.tensor_details(tensor).constant;
    const std::size_t width = is_long ? sizeof(std::int64_t) : sizeof(std::int32_t);
    std::vector<std::int64_t> integers;
    for (std::size_t i = 0; i + width <= constant.size(); i += width) {
      integers.push_back(is_long ? flatbuffer::read<std::int64_t>(constant, i)
                                 : flatbuffer::read<std::int32_t>(constant, i));
    }
    return integers;
  }

  // As many values are taken from the second input as the matrices of the first have on their diagonals.
  void check_diagonal() const {
    Shape expected = shape_of(0);
    if (expected.size() < 2) refuse("has an input of the shape " + to_string(expected) + ", which holds no matrices");
    const std::int32_t columns = expected.back();
    expected.pop_back();
    expected.back() = std::min(expected.back(), columns);
    if (shape_of(1) != expected) {
      refuse("has diagonals of the shape " + to_string(shape_of(1)) + ", and " + to_string(expected) + " is expected");
    }
  }
};

}  // namespace

void check_operand_shapes(const GraphView& graph, std::size_t index) { OperandShapeCheck(graph, index).run(); }

}  // namespace zerolite

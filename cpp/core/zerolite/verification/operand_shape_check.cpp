#include "zerolite/verification/operand_shape_check.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/verification/operand_rules.hpp"

namespace zerolite {
namespace {

using Shape = std::vector<std::int32_t>;

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

constexpr std::size_t kMostBegins = 31;

// With more begins than dimensions, whatever the masks add, and with a second ellipsis the kernel takes dimensions that
// there are not (2.3.0).
void check_slice_masks(const CheckedOperator& operation, const flatbuffer::Table& options) {
  constexpr unsigned kEllipsisMask = 2;
  constexpr unsigned kNewAxisMask = 3;
  if (!operation.input(0).has_rank()) return;
  const std::size_t begins = count_of(operation.shape(1));
  if (begins > kMostBegins) return;  // which the kernel refuses
  const std::uint32_t within = (std::uint32_t{1} << begins) - 1;
  const std::uint32_t ellipsis = options.scalar<std::uint32_t>(kEllipsisMask, 0) & within;
  const std::uint32_t added = options.scalar<std::uint32_t>(kNewAxisMask, 0) & within & ~ellipsis;
  operation.require(std::popcount(ellipsis) <= 1, "has an ellipsis mask of ", ellipsis,
                    ", and one bit of it at most is expected");
  const auto taken = begins - static_cast<std::size_t>(std::popcount(ellipsis | added));
  operation.require(taken <= operation.shape(0).size(), "takes ", taken, " dimensions of an input of the shape ",
                    operation.shape(0));
}

void check_slice(const CheckedOperator& operation) {
  constexpr unsigned kOffset = 5;
  operation.require(count_of(operation.shape(3)) >= count_of(operation.shape(1)), "has strides of the shape ",
                    operation.shape(3), " for begins of the shape ", operation.shape(1));
  const std::optional<flatbuffer::Table> options = options_of(operation.kind(), operation.details());
  if (!options) return;
  check_slice_masks(operation, *options);
  if (options->scalar<std::uint8_t>(kOffset, 0) != 0) check_slice_sizes(operation, *options);
}

// The kernel compares all dimensions of the indices but the last with those of the updates, however many these have
// (2.3.0).
void check_updates(const CheckedOperator& operation) {
  if (!operation.input(0).has_rank() || !operation.input(1).has_rank()) return;
  const Shape& indices = operation.shape(0);
  const Shape& updates = operation.shape(1);
  operation.require(!indices.empty() && updates.size() + 1 >= indices.size(), "has indices of the shape ", indices,
                    " and updates of the shape ", updates, ", and at least ", indices.size(),
                    " dimensions less one are expected");
}

using Axes = std::vector<std::int64_t>;

Axes numbers(const flatbuffer::Table& table, unsigned field) {
  const flatbuffer::Vector vector = table.scalars<std::int64_t>(field);
  Axes result(vector.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = vector.scalar<std::int64_t>(i);
  return result;
}

void require_axes(const CheckedOperator& operation, const std::string& name, Axes axes, std::size_t rank) {
  std::ranges::sort(axes);
  const bool distinct = std::ranges::adjacent_find(axes) == axes.end();
  const bool in_range = axes.empty() || (axes.front() >= 0 && std::cmp_less(axes.back(), rank));
  operation.require(distinct && in_range, "has ", name, " that are not different axes from 0 to ", rank, ", exclusive");
}

// How many dimensions of the indices are left without the one that holds vectors of them, one number for each of the
// mapped dimensions.
std::size_t index_vectors(const CheckedOperator& operation, const Shape& indices, std::int64_t vector_dim,
                          std::size_t mapped) {
  operation.require(vector_dim >= 0 && std::cmp_less_equal(vector_dim, indices.size()), "has an index_vector_dim of ",
                    vector_dim, " for indices of the shape ", indices);
  const bool has_vectors = std::cmp_less(vector_dim, indices.size());
  const std::int64_t length = has_vectors ? indices[static_cast<std::size_t>(vector_dim)] : 1;
  operation.require(std::cmp_equal(mapped, length), "maps ", mapped, " axes of its indices, and ", length,
                    " are expected");
  return indices.size() - (has_vectors ? 1 : 0);
}

// The names are those of StableHLO's specification.
void check_gather(const CheckedOperator& operation) {
  const flatbuffer::Table table = operation.options();
  const std::vector<std::int32_t>& operand = operation.shape(0);
  const std::vector<std::int32_t>& indices = operation.shape(1);
  const std::size_t rank = operand.size();
  const std::size_t result_rank = operation.output().shape().size();

  const Axes offset_dims = numbers(table, 0);
  const Axes collapsed_dims = numbers(table, 1);
  const Axes index_map = numbers(table, 2);
  const auto vector_dim = table.scalar<std::int64_t>(3, 0);
  const Axes slice_sizes = numbers(table, 4);
  require_axes(operation, "offset_dims", offset_dims, result_rank);
  require_axes(operation, "collapsed_slice_dims", collapsed_dims, rank);
  require_axes(operation, "start_index_map", index_map, rank);
  operation.require(offset_dims.size() + collapsed_dims.size() == rank, "has ", offset_dims.size(), " offset_dims and ",
                    collapsed_dims.size(), " collapsed_slice_dims, and together ", rank, " are expected");
  const std::size_t batch_rank = index_vectors(operation, indices, vector_dim, index_map.size());
  operation.require(offset_dims.size() + batch_rank == result_rank, "has an output of ", result_rank,
                    " dimensions, which its attributes don't give");
  const bool fits = std::ranges::equal(
      slice_sizes, operand, [](std::int64_t size, std::int32_t dimension) { return size >= 0 && size <= dimension; });
  operation.require(fits, "has slice_sizes that don't lie in its input of the shape ", operand);
}

// Likewise. Updates that lie outside are left out by the kernel, whatever their indices are.
void check_scatter(const CheckedOperator& operation) {
  const flatbuffer::Table table = operation.options();
  const std::size_t rank = operation.shape(0).size();
  const std::vector<std::int32_t>& indices = operation.shape(1);
  const std::size_t update_rank = operation.shape(2).size();

  const Axes window_dims = numbers(table, 1);
  const Axes inserted_dims = numbers(table, 2);
  const Axes index_map = numbers(table, 3);
  const auto vector_dim = table.scalar<std::int64_t>(4, 0);
  require_axes(operation, "update_window_dims", window_dims, update_rank);
  require_axes(operation, "inserted_window_dims", inserted_dims, rank);
  require_axes(operation, "scatter_dims_to_operand_dims", index_map, rank);
  operation.require(window_dims.size() + inserted_dims.size() == rank, "has ", window_dims.size(),
                    " update_window_dims and ", inserted_dims.size(), " inserted_window_dims, and together ", rank,
                    " are expected");
  const std::size_t scattered = index_vectors(operation, indices, vector_dim, index_map.size());
  operation.require(window_dims.size() + scattered == update_rank, "has updates of ", update_rank,
                    " dimensions, which its attributes don't give");
}

}  // namespace

void check_operand_shapes(const CheckedOperator& operation) {
  switch (operation.kind()) {
    case Operator::SOFTMAX:
    case Operator::LOG_SOFTMAX:
      return require_last_axis(operation);
    case Operator::BIDIRECTIONAL_SEQUENCE_LSTM:
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
    case Operator::SCATTER_ND:
      return check_updates(operation);
    case Operator::STABLEHLO_GATHER:
      return check_gather(operation);
    case Operator::STABLEHLO_SCATTER:
      return check_scatter(operation);
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

#include "zerolite/verification/operand_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/verification/operand_rules.hpp"

namespace zerolite {
namespace {

// A set of element types.
class Types {
 public:
  constexpr Types(std::initializer_list<ElementType> types) {
    for (const ElementType type : types) bits_ |= bit(type);
  }

  [[nodiscard]] constexpr bool contains(ElementType type) const { return (bits_ & bit(type)) != 0; }

  [[nodiscard]] std::string names() const {
    std::string names;
    for (int number = 0; number < kNumbers; ++number) {
      const auto type = static_cast<ElementType>(number);
      if (contains(type)) names += (names.empty() ? "" : " or ") + std::string(name_of(type));
    }
    return names;
  }

 private:
  static constexpr int kNumbers = 32;
  static constexpr std::uint32_t bit(ElementType type) {
    return std::uint32_t{1} << (static_cast<unsigned>(type) % kNumbers);
  }

  std::uint32_t bits_ = 0;
};

struct Place {
  bool is_output = false;
  std::size_t position = 0;
};

constexpr Place input(std::size_t position) { return {false, position}; }
constexpr Place output(std::size_t position) { return {true, position}; }

constexpr Types kFloat = {ElementType::float32};
constexpr Types kInt32 = {ElementType::int32};
constexpr Types kWholeNumbers = {ElementType::int64, ElementType::int32, ElementType::int16, ElementType::int8};
constexpr Types kWeights = {ElementType::float32, ElementType::int8, ElementType::uint8};
constexpr Types kFilters = {ElementType::float32, ElementType::int8, ElementType::uint8, ElementType::int4,
                            ElementType::int2};
constexpr Types kDiagonals = {ElementType::float32, ElementType::int8,  ElementType::uint8,
                              ElementType::int16,   ElementType::int32, ElementType::int64};

// An operand that kernels take for one of these types. `where` is the type of the first input, if it matters.
struct TypeRow {
  Operator kind;
  Place place;
  Types types;
  std::optional<ElementType> where;
};

constexpr auto kTypes = std::to_array<TypeRow>({
    {Operator::BATCH_TO_SPACE_ND, input(1), kInt32, {}},
    {Operator::BATCH_TO_SPACE_ND, input(2), kInt32, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, input(1), kWeights, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, input(3), kFloat, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, input(7), kFloat, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, input(9), kFloat, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, output(1), kFloat, {}},
    {Operator::CONV_2D, input(1), kFilters, ElementType::float32},
    {Operator::DILATE, input(1), kInt32, {}},
    {Operator::EMBEDDING_LOOKUP_SPARSE, input(4), kFloat, {}},
    {Operator::FAKE_QUANT, input(0), kFloat, {}},
    {Operator::FULLY_CONNECTED, output(0), {ElementType::int16}, ElementType::int16},
    {Operator::LSH_PROJECTION, input(0), kFloat, {}},
    {Operator::LSH_PROJECTION, input(2), kFloat, {}},
    {Operator::LSH_PROJECTION, output(0), kInt32, {}},
    {Operator::MATRIX_DIAG, input(0), kDiagonals, {}},
    {Operator::MATRIX_SET_DIAG, input(0), kDiagonals, {}},
    {Operator::MIRROR_PAD, input(1), kWholeNumbers, {}},
    {Operator::ONE_HOT, input(1), kInt32, {}},
    {Operator::PAD, input(1), kWholeNumbers, {}},
    {Operator::PADV2, input(1), kWholeNumbers, {}},
    {Operator::RNN, input(1), kWeights, {}},
    {Operator::RNN, input(3), kFloat, {}},
    {Operator::SPACE_TO_BATCH_ND, input(1), kInt32, {}},
    {Operator::SPACE_TO_BATCH_ND, input(2), kInt32, {}},
    {Operator::SPLIT, input(0), kInt32, {}},
    {Operator::SPLIT_V, input(2), kInt32, {}},
    {Operator::SVDF, input(1), kWeights, ElementType::float32},
    {Operator::SVDF, input(3), kFloat, ElementType::float32},
    {Operator::TRANSPOSE, input(1), kInt32, {}},
    {Operator::UNIDIRECTIONAL_SEQUENCE_RNN, input(1), kWeights, {}},
    {Operator::UNIDIRECTIONAL_SEQUENCE_RNN, input(3), kFloat, {}},
});

// Two inputs of which kernels look at the type of one, and take it for that of the other, or of all the others.
struct OneTypeRow {
  Operator kind;
  std::size_t input;
  std::size_t other;
  std::optional<ElementType> where;
};

constexpr std::size_t kAllOthers = std::numeric_limits<std::size_t>::max();

constexpr auto kOneType = std::to_array<OneTypeRow>({
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 2, 5, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 2, 6, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 2, 7, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 2, 8, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 2, 16, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 2, 19, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 19, 22, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 19, 23, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 19, 24, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 19, 25, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 19, 33, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 1, 2, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 1, 5, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 1, 6, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 1, 10, {}},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 1, 11, {}},
    {Operator::CONCATENATION, 0, kAllOthers, {}},
    {Operator::LSTM, 2, 5, {}},
    {Operator::LSTM, 2, 6, {}},
    {Operator::LSTM, 2, 7, {}},
    {Operator::LSTM, 2, 8, {}},
    {Operator::LSTM, 2, 16, {}},
    {Operator::PRELU, 0, 1, {}},
    {Operator::RNN, 1, 2, {}},
    {Operator::STABLEHLO_SCATTER, 0, 2, {}},
    {Operator::SVDF, 1, 2, ElementType::float32},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 2, 5, {}},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 2, 6, {}},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 2, 7, {}},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 2, 8, {}},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 2, 16, {}},
    {Operator::UNIDIRECTIONAL_SEQUENCE_RNN, 1, 2, {}},
});

// How many dimensions kernels take an input to have.
struct RankRow {
  Operator kind;
  std::size_t input;
  std::size_t least;
  std::size_t most;
};

constexpr std::size_t kMany = std::numeric_limits<std::size_t>::max();

constexpr auto kRanks = std::to_array<RankRow>({
    {Operator::BATCH_MATMUL, 0, 2, 5},
    {Operator::BATCH_MATMUL, 1, 2, 5},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 0, 2, 3},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 1, 2, 2},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 2, 2, 2},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 3, 1, 1},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 5, 2, 2},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 6, 2, 2},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 7, 1, 1},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 9, 3, 3},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 10, 2, 2},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 11, 2, 2},
    {Operator::DILATE, 1, 1, 1},
    {Operator::FULLY_CONNECTED, 0, 1, kMany},
    {Operator::LSTM, 0, 2, 3},
    {Operator::MULTINOMIAL, 0, 2, 2},
    {Operator::REDUCE_WINDOW, 2, 1, 1},
    {Operator::REDUCE_WINDOW, 3, 1, 1},
    {Operator::REDUCE_WINDOW, 4, 1, 1},
    {Operator::RNN, 0, 2, 2},
    {Operator::RNN, 1, 2, 2},
    {Operator::RNN, 2, 2, 2},
    {Operator::RNN, 3, 1, 1},
    {Operator::SVDF, 0, 2, 2},
    {Operator::SVDF, 1, 2, 2},
    {Operator::SVDF, 2, 2, 2},
    {Operator::SVDF, 3, 1, 1},
    {Operator::TRANSPOSE, 0, 1, 8},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 0, 2, 3},
});

// Sizes that have to be the same and that kernels look at one of, or end the process over.
struct SizeRow {
  Operator kind;
  std::size_t input;
  std::size_t axis;
  std::size_t other;
  std::size_t other_axis;
};

constexpr auto kSizes = std::to_array<SizeRow>({
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 5, 0, 2, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 6, 0, 2, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 7, 0, 2, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 8, 0, 2, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 22, 0, 19, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 23, 0, 19, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 24, 0, 19, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 25, 0, 19, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 2, 1, 3, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 6, 0, 7, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 9, 0, 0, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 9, 1, 0, 1},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 10, 0, 1, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 10, 1, 9, 2},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 11, 0, 5, 0},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 11, 1, 9, 2},
    {Operator::DILATE, 1, 0, 0, kAllOthers},  // as many as the other has dimensions
    {Operator::LSTM, 5, 0, 2, 0},
    {Operator::LSTM, 6, 0, 2, 0},
    {Operator::LSTM, 7, 0, 2, 0},
    {Operator::LSTM, 8, 0, 2, 0},
    {Operator::REDUCE_WINDOW, 2, 0, 0, kAllOthers},
    {Operator::REDUCE_WINDOW, 3, 0, 0, kAllOthers},
    {Operator::REDUCE_WINDOW, 4, 0, 0, kAllOthers},
    {Operator::TRANSPOSE_CONV, 0, 0, 2, kAllOthers},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 5, 0, 2, 0},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 6, 0, 2, 0},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 7, 0, 2, 0},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 8, 0, 2, 0},
});

// Inputs that must be there where another one is.
struct NeedRow {
  Operator kind;
  std::size_t input;
  std::size_t needed;
};

constexpr auto kNeeds = std::to_array<NeedRow>({
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 5, 12},
    {Operator::BIDIRECTIONAL_SEQUENCE_LSTM, 22, 29},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 10, 9},
    {Operator::BIDIRECTIONAL_SEQUENCE_RNN, 11, 9},
    {Operator::LSTM, 5, 12},
    {Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, 5, 12},
});

// Inputs of which kernels read a value whether or not there is one.
struct ValueRow {
  Operator kind;
  std::size_t input;
};

constexpr auto kValues = std::to_array<ValueRow>({
    {Operator::DILATE, 2},
    {Operator::EMBEDDING_LOOKUP_SPARSE, 1},
    {Operator::HASHTABLE_FIND, 2},
    {Operator::REDUCE_WINDOW, 1},
    {Operator::RESIZE_BILINEAR, 0},
    {Operator::RESIZE_NEAREST_NEIGHBOR, 0},
    {Operator::REVERSE_V2, 1},
    {Operator::SKIP_GRAM, 0},
    {Operator::SPLIT, 0},
    {Operator::SPLIT_V, 2},
    {Operator::STABLEHLO_REDUCE_WINDOW, 1},
});

// Their products have to be numbers of 64 bits.
constexpr std::int64_t kLargest = 1 << 15;

// Constants of int64 that kernels divide by, or step by, and take to be positive.
constexpr auto kPositive = std::to_array<ValueRow>({
    {Operator::REDUCE_WINDOW, 2},
    {Operator::REDUCE_WINDOW, 3},
    {Operator::REDUCE_WINDOW, 4},
});

// Calls with those rows that are about the operator.
template <typename Rows, typename Check>
void for_rows_of(const CheckedOperator& operation, const Rows& rows, const Check& check) {
  for (const auto& row : rows) {
    if (row.kind == operation.kind()) check(row);
  }
}

bool applies(const CheckedOperator& operation, std::optional<ElementType> where) {
  return !where || (operation.has_input(0) && operation.type(0) == *where);
}

std::optional<Operand> operand_at(const CheckedOperator& operation, const Place& place) {
  if (!place.is_output) {
    return operation.has_input(place.position) ? std::optional(operation.input(place.position)) : std::nullopt;
  }
  const std::vector<std::int32_t>& outputs = operation.details().outputs;
  const bool is_there = place.position < outputs.size() && outputs[place.position] >= 0;
  return is_there ? std::optional(operation.output(place.position)) : std::nullopt;
}

void check_type(const CheckedOperator& operation, const TypeRow& row) {
  const std::optional<Operand> operand = operand_at(operation, row.place);
  if (!operand || !applies(operation, row.where)) return;
  operation.require(row.types.contains(operand->type()), "has ", operand->name(), " of the type ", operand->type(),
                    row.place.is_output ? " as output " : " as input ", row.place.position, ", and ", row.types.names(),
                    " is expected");
}

void check_one_type(const CheckedOperator& operation, const OneTypeRow& row) {
  if (!operation.has_input(row.input) || !applies(operation, row.where)) return;
  const auto check = [&](std::size_t other) {
    if (!operation.has_input(other)) return;
    const ElementType type = operation.type(row.input);
    operation.require(operation.type(other) == type, "has ", operation.input(other).name(), " of the type ",
                      operation.type(other), " as input ", other, ", and that of input ", row.input, ", ", type,
                      ", is expected");
  };
  if (row.other != kAllOthers) return check(row.other);
  for (std::size_t i = 0; i < operation.details().inputs.size(); ++i) check(i);
}

bool has_known_rank(const CheckedOperator& operation, std::size_t input) {
  return operation.has_input(input) && operation.input(input).has_rank();
}

void check_rank(const CheckedOperator& operation, const RankRow& row) {
  if (!has_known_rank(operation, row.input)) return;
  const std::size_t rank = operation.shape(row.input).size();
  const std::string most = row.most == kMany ? " or more" : " to " + std::to_string(row.most);
  const std::string expected = std::to_string(row.least) + (row.least == row.most ? "" : most);
  operation.require(rank >= row.least && rank <= row.most, "has an input of the shape ", operation.shape(row.input),
                    ", and ", expected, " dimensions are expected");
}

void check_size(const CheckedOperator& operation, const SizeRow& row) {
  if (!has_known_rank(operation, row.input) || !has_known_rank(operation, row.other)) return;
  const std::vector<std::int32_t>& shape = operation.shape(row.input);
  const std::vector<std::int32_t>& other = operation.shape(row.other);
  if (row.axis >= shape.size()) return;  // which a row about its rank refuses
  const bool counts_dimensions = row.other_axis == kAllOthers;
  if (!counts_dimensions && row.other_axis >= other.size()) return;
  const std::size_t expected = counts_dimensions ? other.size() : static_cast<std::size_t>(other[row.other_axis]);
  operation.require(std::cmp_equal(shape[row.axis], expected), "has ", operation.input(row.input).name(),
                    " of the shape ", shape, " as input ", row.input, ", and ", expected, " along axis ", row.axis,
                    " is expected, as input ", row.other, " of the shape ", other, " has it");
}

void check_need(const CheckedOperator& operation, const NeedRow& row) {
  operation.require(!operation.has_input(row.input) || operation.has_input(row.needed), "leaves out input ", row.needed,
                    ", which it needs for input ", row.input);
}

void check_value(const CheckedOperator& operation, const ValueRow& row) {
  const std::optional<Operand> operand = operand_at(operation, input(row.input));
  operation.require(!operand || !operand->is_empty(), "reads the values of input ", row.input, ", ",
                    operand ? operand->name() : "", ", which is empty");
}

void check_positive(const CheckedOperator& operation, const ValueRow& row) {
  if (!operation.has_input(row.input) || operation.type(row.input) != ElementType::int64)
    return;  // the kernel refuses it
  const Numbers<std::int64_t> values(operation.constant(row.input));
  const bool is_sound = !values.any_of([](std::int64_t value) { return value < 1 || value > kLargest; });
  operation.require(is_sound, "has ", operation.input(row.input).name(), " as input ", row.input,
                    ", and values from 1 to ", kLargest, " are expected in it");
}

}  // namespace

void check_operand_table(const CheckedOperator& operation) {
  for_rows_of(operation, kNeeds, [&](const NeedRow& row) { check_need(operation, row); });
  for_rows_of(operation, kTypes, [&](const TypeRow& row) { check_type(operation, row); });
  for_rows_of(operation, kOneType, [&](const OneTypeRow& row) { check_one_type(operation, row); });
  for_rows_of(operation, kValues, [&](const ValueRow& row) { check_value(operation, row); });
  for_rows_of(operation, kRanks, [&](const RankRow& row) { check_rank(operation, row); });
  for_rows_of(operation, kPositive, [&](const ValueRow& row) { check_positive(operation, row); });
  for_rows_of(operation, kSizes, [&](const SizeRow& row) { check_size(operation, row); });
}

}  // namespace zerolite

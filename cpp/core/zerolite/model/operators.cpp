#include "zerolite/model/operators.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace zerolite {
namespace {

struct CalleeFields {
  std::array<unsigned, 2> numbers;
  std::size_t count;
};

struct Row {
  std::int32_t number = 0;
  std::string_view name;
  std::optional<OptionType> options;
  OperandCounts counts;
  std::optional<std::size_t> input_of_output_type;
  CalleeFields callees{};
};

// The words of operators.def.
constexpr auto kNone = std::nullopt;
constexpr auto kAll = std::nullopt;
constexpr CountRange kAny;
constexpr CountRange exactly(std::size_t count) { return {count, count}; }
constexpr CountRange at_least(std::size_t count) { return {.least = count}; }
constexpr CountRange between(std::size_t least, std::size_t most) { return {least, most}; }
constexpr OptionType first(std::uint8_t number) { return {false, number}; }
constexpr OptionType second(std::uint8_t number) { return {true, number}; }

template <typename... Numbers>
constexpr CalleeFields fields(Numbers... numbers) {
  return {{static_cast<unsigned>(numbers)...}, sizeof...(numbers)};
}

constexpr auto kRows = std::to_array<Row>({
#define OPERATOR(number, name, sources, options, inputs, outputs, required, one_type, ...) \
  {number, #name, options, {inputs, outputs, required}, one_type, fields(__VA_ARGS__)},
#include "zerolite/model/operators.def"
#undef OPERATOR
});

constexpr bool are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (std::cmp_not_equal(kRows[i].number, i)) return false;
  }
  return true;
}
static_assert(are_in_order());

// Of a number that the schema does not have, nothing is known.
const Row& row_of(std::int32_t number) {
  static constexpr Row kUnknown = {-1, {}, kNone, {kAny, kAny, kAll}, kNone, {}};
  return number >= 0 && static_cast<std::size_t>(number) < kRows.size() ? kRows[static_cast<std::size_t>(number)]
                                                                        : kUnknown;
}

const Row& row_of(Operator operation) { return row_of(static_cast<std::int32_t>(operation)); }

}  // namespace

std::string name_of(const OperatorCode& code) {
  if (kind_of(code) == Operator::CUSTOM && !code.custom_code.empty()) return code.custom_code;
  const std::string_view name = row_of(code.builtin_code).name;
  return name.empty() ? "operator " + std::to_string(code.builtin_code) : std::string(name);
}

OperandCounts operand_counts(Operator operation) { return row_of(operation).counts; }

std::optional<std::size_t> input_of_output_type(Operator operation) { return row_of(operation).input_of_output_type; }

std::optional<OptionType> option_type(Operator operation) { return row_of(operation).options; }

std::optional<flatbuffer::Table> options_of(Operator operation, const OperatorDetails& details) {
  const std::optional<OptionType> type = option_type(operation);
  if (!type) return std::nullopt;
  const OperatorOptions& options = type->in_second_union ? details.options_2 : details.options;
  return options.type == type->number ? options.table : std::nullopt;
}

std::span<const unsigned> callees(Operator operation) {
  const CalleeFields& callees = row_of(operation).callees;
  return std::span(callees.numbers).first(callees.count);
}

}  // namespace zerolite

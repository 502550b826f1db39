// The builtin operators of TensorFlow Lite's schema, by number, and what is known of each: operators.def is their list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

enum class Operator : std::int32_t {
#define OPERATOR(number, name, ...) name = number,
#include "zerolite/model/operators.def"
#undef OPERATOR
};

struct CountRange {
  std::size_t least = 0;
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

struct OperandCounts {
  CountRange inputs;
  CountRange outputs;
  std::optional<std::size_t> required_inputs;  // how many at the front may not be left out; else all that are listed
};

// A type of table in one of the schema's two unions of options.
struct OptionType {
  bool in_second_union;
  std::uint8_t number;
};

inline Operator kind_of(const OperatorCode& code) { return static_cast<Operator>(code.builtin_code); }

// As in "CONV_2D"; for a custom operator, the name that it has in the model.
std::string name_of(const OperatorCode& code);

// How many operands the kernel reads and writes; of an operator whose count varies, from none to any.
OperandCounts operand_counts(Operator operation);

// The input whose type the operator's first output has to have, since it copies elements as they are or computes in
// their type; nothing for an operator that converts, or whose kernel looks at both.
std::optional<std::size_t> input_of_output_type(Operator operation);

// The type of its options; nothing for an operator without.
std::optional<OptionType> option_type(Operator operation);
// The options themselves; nothing where they are missing or of another type.
std::optional<flatbuffer::Table> options_of(Operator operation, const OperatorDetails& details);

// The fields of its options that hold the subgraphs which it runs.
std::span<const unsigned> callees(Operator operation);

}  // namespace zerolite

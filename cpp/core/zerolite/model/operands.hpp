// How many inputs and outputs the kernels of the builtin operators read and write, and which of them have one type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace zerolite {

struct OperandCounts {
  std::size_t least_inputs;
  std::size_t most_inputs;
  std::size_t least_outputs;
  std::size_t most_outputs;
};

// By the number that the operator has in TensorFlow Lite's schema; nothing for one whose count varies.
std::optional<OperandCounts> operand_counts(std::int32_t builtin_code);

// The input whose type the operator's first output has to have, since it copies elements as they are or computes in
// their type; nothing for an operator that converts, or whose kernel looks at both.
std::optional<std::size_t> input_of_output_type(std::int32_t builtin_code);

}  // namespace zerolite

// How many inputs and outputs the kernels of the builtin operators read and write, and which of them are copied.
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

// The input whose elements an operator copies as they are, so that its first output has to be of their type; nothing
// for an operator that computes.
std::optional<std::size_t> copied_input(std::int32_t builtin_code);

}  // namespace zerolite

// The variable tensors of a compiled model, which keep their values from run to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "zerolite/inference/compiled_model.hpp"
#include "zerolite/tensor/tensor_spec.hpp"

namespace zerolite {

struct Variable {
  std::size_t subgraph = 0;
  std::int32_t tensor = 0;
  TensorSpec spec;
  std::span<std::byte> bytes;
};

// Needs the model's lock. All of them, those of signatures that nobody has used yet, too; the memory is theirs until
// the model is run, resized or closed. Throws Error after close(), and for CompiledModel::State::resources, whose
// values are out of reach.
[[nodiscard]] std::vector<Variable> variables_of(CompiledModel& model);

}  // namespace zerolite

// The variables of a compiled model, which keep their values from run to run: tensors of the graph, and resources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "zerolite/graph/resource_variables.hpp"
#include "zerolite/inference/compiled_model.hpp"

namespace zerolite {

// Needs the model's lock. All of them, those of signatures that nobody has used yet, too, but resources that nothing
// was ever assigned to. Throws Error after close(), and for resources that a delegate or another process keeps to
// itself.
[[nodiscard]] std::vector<VariableValue> read_variables(CompiledModel& model);

struct NewValue {
  std::size_t subgraph;
  std::int32_t tensor;
  std::span<const std::byte> bytes;  // of the variable's type and shape
};

// Needs the model's lock. Writes all or, with ValueError for a size that is another one by now, none. Throws as reading
// does.
void write_variables(CompiledModel& model, std::span<const NewValue> values);

}  // namespace zerolite

// The shapes of a signature's outputs, as the runtime's public interface tells them.
#pragma once

#include <cstdint>
#include <vector>

#include "litert_abi/types.hpp"
#include "zerolite/execution/compiled_signature.hpp"

namespace zerolite {

// In the order of the subgraph's outputs, of which there is at least one.
struct OutputLayouts {
  abi::Status status = abi::Status::unknown;
  std::vector<std::vector<std::int32_t>> shapes;  // of no use where the status is another than ok

  // `prepare` makes the runtime prepare the graph before, where an input was resized.
  static OutputLayouts ask(const CompiledSignature& signature, bool prepare);
};

}  // namespace zerolite

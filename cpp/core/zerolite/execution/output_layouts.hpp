// The shapes of a signature's outputs, as the runtime's public interface tells them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "litert_abi/types.hpp"
#include "zerolite/execution/compiled_signature.hpp"

namespace zerolite {

// In the order of the subgraph's outputs, of which there is at least one. Memory is taken when it is made and none when
// the runtime is asked, so that what the runtime has prepared by then is never lost.
class OutputLayouts {
 public:
  explicit OutputLayouts(const CompiledSignature& signature);

  // `prepare` makes the runtime prepare the graph before, where an input was resized.
  [[nodiscard]] abi::Status ask(bool prepare);
  // Of no use where the answer was another than ok.
  [[nodiscard]] std::vector<std::int32_t> shape(std::size_t output) const;

 private:
  const CompiledSignature* signature_;
  std::vector<abi::Layout> layouts_;
};

}  // namespace zerolite

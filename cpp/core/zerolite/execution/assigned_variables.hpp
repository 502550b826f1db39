// The variables that a subgraph writes, whose sizes follow from those of its inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/model/model.hpp"

namespace zerolite {

class AssignedVariables {
 public:
  AssignedVariables(const Model& model, std::size_t subgraph);

  [[nodiscard]] bool empty() const { return operators_.empty(); }
  // Whether a delegate reads or writes some of them. XNNPACK keeps the memory of a variable at its first size, and
  // writes past the end when the variable grows (LiteRT 2.3.0).
  [[nodiscard]] bool are_delegated(const CapturedGraph& graph) const;
  // To be called after the graph was prepared for other shapes. Throws Error for a variable that would hold less than
  // an operator reads from it: the kernel copies as many bytes as its output has (LiteRT 2.3.0). Values whose shape
  // only a run tells are not checked.
  void require_what_is_read(const CapturedGraph& graph, const std::string& model) const;

 private:
  struct Assignment {
    std::string variable;
    std::int32_t value;
    std::size_t most_read;  // bytes
  };

  std::vector<std::size_t> operators_;  // that read or write variables
  std::vector<Assignment> assignments_;
};

}  // namespace zerolite

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

  // A delegate reads or writes some: XNNPACK keeps their memory at the size that they had at first, and writes past its
  // end when they grow (LiteRT 2.3.0).
  [[nodiscard]] bool are_delegated(const CapturedGraph& graph) const;
  // Of a graph that was prepared for other shapes. Throws Error for a variable that would hold less than some operator
  // of the model reads from it: its kernel copies as many bytes as its output has (LiteRT 2.3.0). What is written is
  // not looked at where only a run tells its shape.
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

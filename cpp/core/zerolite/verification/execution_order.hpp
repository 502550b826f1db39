// Which tensors have values, and so memory, before an operator runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

// The runtime runs operators in the file's order and gives memory to what they write: a tensor that nobody writes has
// none, and kernels read it all the same; one that is written twice has the size of what was written first or last
// (2.3.0). Here the operators pass in that order without being run; all throws InvalidModelError.
class ExecutionOrder {
 public:
  explicit ExecutionOrder(const SubgraphView& graph);

  // The next operator: what it reads has been written, and what it writes is its own.
  void pass(std::size_t index);
  // After the last one: the subgraph's outputs have been written.
  void finish() const;

 private:
  const SubgraphView& graph_;
  std::vector<bool> has_value_;
  std::vector<bool> is_given_;  // as an input of the subgraph, or by an operator
};

}  // namespace zerolite

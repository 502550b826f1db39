// Where the operators of a compiled model run.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "zerolite/captured_graph.hpp"

namespace zerolite {

// A part of a graph that a delegate runs as a whole. Operators are positions in the subgraph's list in the file.
struct Partition {
  std::string delegate;  // the name that its kernel gives itself, as in "TfLiteXNNPackDelegate"
  std::vector<std::size_t> operators;
};

struct Delegation {
  std::vector<Partition> partitions;  // in the order of execution
  std::vector<std::size_t> builtin;   // operators that run on TensorFlow Lite's own kernels, in that order

  // Of a graph that the runtime has prepared.
  static Delegation of(const CapturedGraph& graph);
};

}  // namespace zerolite

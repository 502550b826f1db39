// Where the operators of a compiled model run.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// How the kernel of the runtime's delegate for NPUs is called, and what is in the names of the operators that it takes.
inline constexpr const char* kDispatchKernel = "DispatchDelegate";
inline constexpr std::string_view kDispatchOperator = "DISPATCH_OP";

// The name that a delegate's kernel gives itself, as in "TfLiteXNNPackDelegate"; empty where it gives none.
std::string kernel_name(const CapturedGraph& graph, const PlannedNode& planned);

// A part of a graph that a delegate runs as a whole. Operators are positions in the subgraph's list in the file.
struct Partition {
  std::string delegate;  // see kernel_name
  std::vector<std::size_t> operators;
};

struct Delegation {
  std::vector<Partition> partitions;  // in the order of execution
  std::vector<std::size_t> builtin;   // operators that run on TensorFlow Lite's own kernels, in that order

  // Of a graph that the runtime has prepared.
  static Delegation of(const CapturedGraph& graph);
};

}  // namespace zerolite

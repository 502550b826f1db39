// Outputs whose shape only a run tells.
//
// LiteRT 2.3.0 registers a buffer for every output before each run. It refuses tensors that a kernel has made
// dynamic, so such a model runs once and never again; the same goes for outputs that a kernel computes while
// it is prepared. And it fails in the middle of a run when an output that follows a dynamic tensor turns out
// larger than its buffer.
//
// So these outputs are made to look like ordinary ones while the runtime registers buffers. It asks before
// each node whether the run was cancelled; at the first such question all outputs of a graph with dynamic
// tensors become dynamic, and the runtime allocates what they need. After the run their values are copied
// from the runtime's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

class DynamicOutputs {
 public:
  // Whether a node of the plan has an output of unknown shape. Without one, there is nothing to do.
  [[nodiscard]] static bool occur_in(const CapturedGraph& graph);

  // For the time of one run. `outputs` are those that are no inputs at the same time.
  DynamicOutputs(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs);
  ~DynamicOutputs() { restore(); }
  DynamicOutputs(const DynamicOutputs&) = delete;
  DynamicOutputs& operator=(const DynamicOutputs&) = delete;

  // The runtime's question whether to cancel; always answered with no.
  static bool before_node(void* self);

 private:
  struct Hidden {
    std::int32_t tensor;
    abi::tflite::AllocationType allocation_type;
    void* data;
    std::size_t bytes;
  };

  void restore();
  void make_dynamic(abi::tflite::Tensor& tensor) const;

  const CapturedGraph& graph_;
  std::vector<Hidden> hidden_;
  std::vector<std::int32_t> ordinary_;
  bool running_ = false;
};

}  // namespace zerolite

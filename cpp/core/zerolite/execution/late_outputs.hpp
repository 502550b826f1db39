// Outputs whose shape is settled by the first run after tensors were allocated.
//
// Some operators tell the shape of their result only when they run, although it depends on nothing but the shapes of
// the inputs (the RESHAPE that a Keras Flatten layer becomes is one); everything after them is prepared in the middle
// of a run. LiteRT 2.3.0 does not check an output's registered buffer then: an output that turns out larger than its
// buffer is written past the buffer's end. So the first run after an allocation uses memory of the runtime's own for
// such outputs: the buffers that had to be registered are taken back when the first node is about to run, which is when
// the runtime asks whether the run was cancelled. After that run the shapes, and so the sizes of buffers, are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

class LateOutputs {
 public:
  // Whether allocating left some of these outputs without memory. Only right after an allocation.
  [[nodiscard]] static bool occur_in(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs);
  // Makes a coming allocation treat them as outputs that were never registered.
  static void forget_buffers(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs);

  // For the time of one run. `outputs` are those that are no inputs at the same time.
  LateOutputs(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs);
  ~LateOutputs();
  LateOutputs(const LateOutputs&) = delete;
  LateOutputs& operator=(const LateOutputs&) = delete;

  // The runtime's question whether to cancel; always answered with no.
  static bool before_node(void* self);

 private:
  struct Late {
    std::int32_t tensor;
    std::size_t bytes;
  };

  const CapturedGraph& graph_;
  std::vector<Late> late_;
  bool running_ = false;
};

}  // namespace zerolite

// Outputs whose shape only a run tells, and what has to be done for them during a run.
//
// Dynamic outputs may have another shape in every run. LiteRT 2.3.0 can't run them more than once: before each run it
// registers a buffer for every output, and it refuses to do so for tensors that a kernel has made dynamic, and for
// outputs that a kernel computed while it was prepared. It also fails in the middle of a run when an output that
// depends on a dynamic tensor turns out larger than its buffer. So these outputs look like ordinary ones while the
// runtime registers buffers. Before each node the runtime asks whether the run was cancelled. When it asks for the
// first time, all outputs of such a graph become dynamic, and the runtime allocates what they need. After the run their
// values are copied from the runtime's memory.
//
// Late outputs have a fixed shape, which is known after the first run that follows an allocation. Some operators tell
// the shape of their result only when they run, although it depends on the shapes of the inputs alone: the RESHAPE that
// Keras makes of a Flatten layer is one. Everything behind them is prepared in the middle of that run. LiteRT 2.3.0
// does not check the registered buffers again then, and would write past the end of one that is too small. So in that
// run such outputs use memory of the runtime's: the registered buffers are taken back when it asks for the first time.
// After the run the shapes, and with them the sizes of the buffers, are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// `outputs` are always the outputs of the graph without those that are also inputs.
class DeferredOutputs {
 public:
  enum class Kind { dynamic, late };

  // Whether some node of the plan has an output whose shape is not known yet.
  [[nodiscard]] static bool has_dynamic(const CapturedGraph& graph);
  // Whether the allocation left some of these outputs without memory. To be asked right after an allocation.
  [[nodiscard]] static bool has_late(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs);
  // Makes the next allocation treat these outputs as if no buffer had been registered for them.
  static void forget_buffers(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs);

  // Lives for one run of a graph that has such outputs. In a graph with dynamic outputs the late ones need nothing
  // more.
  DeferredOutputs(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs, Kind kind);
  ~DeferredOutputs() { restore(); }
  DeferredOutputs(const DeferredOutputs&) = delete;
  DeferredOutputs& operator=(const DeferredOutputs&) = delete;

  // What the runtime calls to ask whether the run was cancelled. The answer is always no.
  static bool before_node(void* self);

 private:
  // An output as it was before it was made to look like one that fits into any buffer.
  struct Hidden {
    std::int32_t tensor;
    abi::tflite::AllocationType allocation_type;
    void* data;
    std::size_t bytes;
  };

  void hide_dynamic(const std::vector<std::int32_t>& outputs);
  void hide_late(const std::vector<std::int32_t>& outputs);
  void restore();
  void let_runtime_allocate();
  void make_dynamic(abi::tflite::Tensor& tensor) const;

  const CapturedGraph& graph_;
  Kind kind_;
  std::vector<Hidden> hidden_;
  std::vector<std::int32_t> ordinary_;  // the others of a graph with dynamic ones
  bool running_ = false;
};

}  // namespace zerolite

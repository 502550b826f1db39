// Outputs whose shape only a run tells, and what has to be done for them during a run.
//
// Dynamic outputs may have another shape in every run. LiteRT 2.3.0 registers a buffer for every output before each
// run. It refuses tensors that a kernel has made dynamic, so such a model runs once and never again; the same goes for
// outputs that a kernel computes while it is prepared. And it fails in the middle of a run when an output that follows
// a dynamic tensor turns out larger than its buffer. So these outputs are made to look like ordinary ones while the
// runtime registers buffers. It asks before each node whether the run was cancelled; at the first such question all
// outputs of a graph with dynamic tensors become dynamic, and the runtime allocates what they need. After the run their
// values are copied from the runtime's memory.
//
// The shape of a late output is settled by the first run after tensors were allocated. Some operators tell the shape of
// their result only when they run, although it depends on nothing but the shapes of the inputs (the RESHAPE that a
// Keras Flatten layer becomes is one); everything after them is prepared in the middle of a run. LiteRT 2.3.0 does not
// check an output's registered buffer then: an output that turns out larger than its buffer is written past the
// buffer's end. So the first run after an allocation uses memory of the runtime's own for such outputs: the buffers
// that had to be registered are taken back at the same first question. After that run the shapes, and so the sizes of
// buffers, are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// `outputs` are everywhere those outputs of the graph that are no inputs at the same time.
class DeferredOutputs {
 public:
  enum class Kind { dynamic, late };

  // Whether a node of the plan has an output of unknown shape.
  [[nodiscard]] static bool has_dynamic(const CapturedGraph& graph);
  // Whether allocating left some of these outputs without memory. Only right after an allocation.
  [[nodiscard]] static bool has_late(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs);
  // Makes a coming allocation treat them as outputs that were never registered.
  static void forget_buffers(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs);

  // For the time of one run of a graph that has such outputs. Where it has dynamic ones, late ones need nothing more.
  DeferredOutputs(const CapturedGraph& graph, const std::vector<std::int32_t>& outputs, Kind kind);
  ~DeferredOutputs() { restore(); }
  DeferredOutputs(const DeferredOutputs&) = delete;
  DeferredOutputs& operator=(const DeferredOutputs&) = delete;

  // The runtime's question whether to cancel; always answered with no.
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

// Sees the graphs that the runtime prepares.
//
// LiteRT's C ABI has no call for the prepared plan or for tensors that are no input or output. Delegates do
// see them: TensorFlow Lite hands each delegate the TfLiteContext of every subgraph. The observer is a
// delegate that takes no node; registered after all others, it keeps those contexts (see captured_graph.hpp
// for what they give).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "litert_abi/types.hpp"
#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/graph/declared_graph.hpp"
#include "zerolite/model/model.hpp"

namespace zerolite {

class GraphObserver {
 public:
  // Called with each graph that the runtime has prepared, in the middle of its C code; null for nobody.
  using OnCapture = void (*)(const CapturedGraph& graph) noexcept;

  GraphObserver(std::size_t subgraph_count, OnCapture on_capture);
  ~GraphObserver() = default;
  GraphObserver(const GraphObserver&) = delete;
  GraphObserver& operator=(const GraphObserver&) = delete;

  // Makes every model that is compiled in this environment offer its graph to the observer named in its
  // options.
  static void register_with(abi::Environment environment);
  // Forgets what it has seen, for a compilation of a model with so many subgraphs.
  void restart(std::size_t subgraph_count) { graphs_.assign(subgraph_count, CapturedGraph()); }
  // Shows what the file says in the place of graphs that the runtime does not show; see declared_graph.hpp.
  void stand_in(const Model& model);
  // Names this observer in the options of the model that is compiled next. It must outlive the compiled
  // model.
  void attach_to(abi::Options options);

  // The graph of a subgraph, or null when the runtime did not show it (a subgraph that only an operator calls
  // may be skipped).
  [[nodiscard]] const CapturedGraph* graph(std::size_t subgraph) const;
  [[nodiscard]] std::size_t subgraph_count() const { return graphs_.size(); }

 private:
  static abi::Status create_delegate(abi::RuntimeContext, abi::Environment, abi::AcceleratorConst, abi::Options options,
                                     abi::DelegateWrapper* wrapper);
  static abi::tflite::Status prepare(abi::tflite::Context* context, abi::tflite::Delegate* delegate);
  void capture(abi::tflite::Context* context);

  abi::tflite::Delegate delegate_;
  std::vector<std::unique_ptr<DeclaredGraph>> declared_;
  std::vector<CapturedGraph> graphs_;
  OnCapture on_capture_;
};

}  // namespace zerolite

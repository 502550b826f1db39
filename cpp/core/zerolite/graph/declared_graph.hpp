// A subgraph as its file describes it, for a runtime whose own graph must not be looked at.
//
// Of a library that zerolite does not know, only the public interface is used (see RuntimeLibrary::is_known), which
// shows neither tensors nor nodes. What the core asks a graph about its inputs and outputs is then answered from the
// file. The structures are ours, whatever those of the library look like; there is no plan, and no tensor has memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

class DeclaredGraph {
 public:
  DeclaredGraph(const SubgraphDescription& description, const SubgraphDetails& details);
  ~DeclaredGraph() = default;
  DeclaredGraph(const DeclaredGraph&) = delete;
  DeclaredGraph& operator=(const DeclaredGraph&) = delete;

  // Valid as long as this is. A tensor that is resized there has the new shape and nothing more.
  [[nodiscard]] CapturedGraph graph() { return CapturedGraph::declared(&context_); }

 private:
  // What a tensor points to.
  struct Arrays {
    std::vector<std::int32_t> dims;
    std::vector<std::int32_t> dims_signature;
    std::vector<std::int32_t> scales;  // their bits
    std::vector<std::int32_t> zero_points;
    abi::tflite::AffineQuantization quantization{};
    std::string name;
  };

  static abi::tflite::Status resize(abi::tflite::Context* context, abi::tflite::Tensor* tensor,
                                    abi::tflite::IntArray* shape);
  void describe(std::size_t index, const TensorDescription& description, const TensorDetails& details);

  std::vector<Arrays> arrays_;
  std::vector<abi::tflite::Tensor> tensors_;
  abi::tflite::Context context_{};
};

}  // namespace zerolite

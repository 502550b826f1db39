// A subgraph as the runtime has prepared it: its tensors, and the nodes that a run invokes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "zerolite/tensor/tensor_spec.hpp"

namespace zerolite {

// The values of an array that the runtime may change or free; none for null.
[[nodiscard]] std::vector<std::int32_t> values_of(const abi::tflite::IntArray* array);

// Empty for a tensor without a name.
[[nodiscard]] inline const char* name_of(const abi::tflite::Tensor& tensor) {
  return tensor.name == nullptr ? "" : tensor.name;
}

struct PlannedNode {
  std::size_t index = 0;  // among the graph's nodes: the operators of the file, and then what delegates put in
  abi::tflite::Node* node = nullptr;
  abi::tflite::Registration* registration = nullptr;
};

class CapturedGraph {
 public:
  CapturedGraph() = default;
  // Only within a delegate's Prepare: the functions that tell the plan are forbidden at other times, so their
  // addresses are kept (TensorFlow Lite swaps the context's pointers; the functions themselves work at any
  // time).
  explicit CapturedGraph(abi::tflite::Context* context)
      : context_(context),
        get_execution_plan_(context->get_execution_plan),
        get_node_and_registration_(context->get_node_and_registration) {}

  // See declared_graph.hpp; the context is no runtime's.
  static CapturedGraph declared(abi::tflite::Context* context) {
    CapturedGraph graph(context);
    graph.is_declared_ = true;
    return graph;
  }
  // What the file says, for a runtime whose own graph is not looked at: no tensor has memory, and there is no plan.
  [[nodiscard]] bool is_declared() const { return is_declared_; }

  // Tells the nodes of a context at any time, and nothing else.
  using NodeLookup = abi::tflite::Status(abi::tflite::Context*, int, abi::tflite::Node**, abi::tflite::Registration**);
  CapturedGraph(abi::tflite::Context* context, NodeLookup* nodes)
      : context_(context), get_node_and_registration_(nodes) {}
  [[nodiscard]] NodeLookup* node_lookup() const { return get_node_and_registration_; }

  [[nodiscard]] bool is_captured() const { return context_ != nullptr; }
  [[nodiscard]] abi::tflite::Context* context() const { return context_; }
  [[nodiscard]] std::size_t tensor_count() const { return context_->tensors_size; }
  // Valid until the runtime next prepares the graph, which may move all tensors.
  [[nodiscard]] abi::tflite::Tensor& tensor(std::int32_t index) const {
    return context_->tensors[static_cast<std::size_t>(index)];
  }
  // The nodes in the order of execution. Empty when the runtime does not tell.
  [[nodiscard]] std::vector<PlannedNode> plan() const;
  // The same one by one, which takes no memory and so can't fail.
  template <typename Visit>
  void for_each_planned(const Visit& visit) const {
    for (const int index : planned_indices()) {
      if (const std::optional<PlannedNode> planned = planned_node(static_cast<std::size_t>(index))) visit(*planned);
    }
  }
  template <typename Predicate>
  [[nodiscard]] bool any_planned(const Predicate& holds) const {
    bool found = false;
    for_each_planned([&](const PlannedNode& planned) { found = found || holds(planned); });
    return found;
  }
  // Any node by its index, in the plan or not; nothing when the runtime does not tell.
  [[nodiscard]] std::optional<PlannedNode> planned_node(std::size_t index) const;
  // Likewise; null when the runtime does not tell.
  [[nodiscard]] const abi::tflite::Node* node(std::size_t index) const;

  [[nodiscard]] std::vector<std::int32_t> shape(std::int32_t index) const;
  [[nodiscard]] TensorSpec spec(std::int32_t index) const;
  // As a kernel does it in its Prepare; false when TensorFlow Lite refuses. The graph must be prepared afterwards.
  [[nodiscard]] bool resize(std::int32_t index, const std::vector<std::int32_t>& shape) const;

 private:
  [[nodiscard]] std::span<const int> planned_indices() const;

  abi::tflite::Context* context_ = nullptr;
  abi::tflite::Status (*get_execution_plan_)(abi::tflite::Context*, abi::tflite::IntArray**) = nullptr;
  NodeLookup* get_node_and_registration_ = nullptr;
  bool is_declared_ = false;
};

}  // namespace zerolite

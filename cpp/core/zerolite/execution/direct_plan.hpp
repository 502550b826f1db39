// Direct dispatch: calling the kernels of a prepared plan without the runtime's run call.
//
// LiteRtRunCompiledModel registers every buffer anew at each run (hash maps, locks, look-ups by name), which
// costs a small model more than its kernels do. The plan that it then invokes is fixed once it has been
// prepared, and can be invoked as it is: for each node, registration->invoke(context, node), with the
// tensors' pointers where they should be.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "zerolite/execution/runtime_call.hpp"
#include "zerolite/execution/tensor_binding.hpp"
#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/operators/custom_operators.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {

class DirectPlan {
 public:
  // The conditions under which invoking the plan does all that the runtime's own invoke does (LiteRT 2.3.0,
  // Subgraph::InvokeImpl): nothing is dynamic, so nothing is prepared or allocated during a run; no delegate
  // holds tensors elsewhere, so nothing is copied in or out; no node has effects beyond its outputs, but for what the
  // user's own kernels do. Returns why not, as a text for the user; empty when the plan may be run directly.
  [[nodiscard]] static std::string unsupported_reason(const CapturedGraph& graph, const std::vector<PlannedNode>& nodes,
                                                      std::span<const TensorBinding> bindings,
                                                      const CustomOperators* custom_operators = nullptr);

  DirectPlan() = default;
  // To be called right after a regular run, which prepares the graph and registers the bindings' memory.
  DirectPlan(const CapturedGraph& graph, const std::vector<PlannedNode>& nodes,
             std::span<const TensorBinding> bindings);

  // Points the tensor of a binding at other memory of the same size.
  void point(std::size_t binding, std::byte* data) const {
    if (pointers_[binding] != nullptr) *pointers_[binding] = data;
  }

  // Invokes the plan. False when a kernel failed; what it threw is among the messages, see `guarded`.
  [[nodiscard]] bool run() const {
    return guarded([this] {
             return done(std::ranges::all_of(steps_, [this](const Step& step) {
               return step.invoke(context_, step.node) == abi::tflite::Status::ok;
             }));
           }) == abi::Status::ok;
  }
  // The same; false also when the interruption was due before a node.
  [[nodiscard]] bool run(Interruption& interruption) const {
    return guarded([&] {
             return done(std::ranges::all_of(steps_, [&](const Step& step) {
               return !interruption.is_due() && step.invoke(context_, step.node) == abi::tflite::Status::ok;
             }));
           }) == abi::Status::ok;
  }

 private:
  struct Step {
    abi::tflite::Invoke* invoke;
    abi::tflite::Node* node;
  };

  static abi::Status done(bool all_ran) { return all_ran ? abi::Status::ok : abi::Status::runtime_failure; }

  abi::tflite::Context* context_ = nullptr;
  std::vector<Step> steps_;
  std::vector<void**> pointers_;  // by binding, the data member of its tensor; null for a binding without bytes
};

}  // namespace zerolite

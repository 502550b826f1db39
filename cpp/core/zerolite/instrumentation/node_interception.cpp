#include "zerolite/instrumentation/node_interception.hpp"

#include <utility>

namespace zerolite {

using abi::tflite::Context;
using abi::tflite::Node;
using abi::tflite::Status;

thread_local NodeInterception* NodeInterception::current = nullptr;

NodeInterception::NodeInterception(const GraphObserver& observer, NodeListener& listener)
    : observer_(observer), listener_(listener), previous_(current) {
  std::vector<PlannedNode> intercepted;
  for (std::size_t subgraph = 0; subgraph < observer_.subgraph_count(); ++subgraph) {
    const CapturedGraph* graph = observer_.graph(subgraph);
    if (graph == nullptr) continue;
    for (const PlannedNode& planned : graph->plan()) {
      // The runtime calls kernels of the newer interface without looking at this member.
      if (planned.registration->invoke == nullptr || planned.registration->registration_external != nullptr) continue;
      originals_[planned.node] = {planned.registration->invoke, subgraph};
      intercepted.push_back(planned);
    }
  }
  // Nothing throws from here on, so that nothing is left intercepted.
  for (const PlannedNode& planned : intercepted) planned.registration->invoke = &NodeInterception::invoke;
  current = this;
}

NodeInterception::~NodeInterception() {
  current = previous_;
  // Asked for anew, in case that the run prepared a graph again.
  for (std::size_t subgraph = 0; subgraph < observer_.subgraph_count(); ++subgraph) {
    const CapturedGraph* graph = observer_.graph(subgraph);
    if (graph == nullptr) continue;
    graph->for_each_planned([this](const PlannedNode& planned) {
      const auto original = originals_.find(planned.node);
      if (planned.registration->invoke == &NodeInterception::invoke && original != originals_.end()) {
        planned.registration->invoke = original->second.invoke;
      }
    });
  }
}

void NodeInterception::rethrow_listener_error() const {
  if (listener_error_) std::rethrow_exception(listener_error_);
}

Status NodeInterception::invoke(Context* context, Node* node) {
  return current == nullptr ? Status::error : current->invoke_original(context, node);
}

Status NodeInterception::invoke_original(Context* context, Node* node) {
  const auto original = originals_.find(node);
  if (original == originals_.end()) return Status::error;
  try {
    const std::size_t subgraph = original->second.subgraph;
    listener_.before_node(subgraph, *observer_.graph(subgraph), *node);
    const Status status = original->second.invoke(context, node);
    if (status != Status::ok) return status;
    listener_.after_node(subgraph, *observer_.graph(subgraph), *node);
  } catch (...) {  // the caller is C code
    listener_error_ = std::current_exception();
    return Status::error;
  }
  return Status::ok;
}

}  // namespace zerolite

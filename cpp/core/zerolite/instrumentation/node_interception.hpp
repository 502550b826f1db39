// Hearing of every node that a run invokes.
//
// LiteRT's C ABI shows no values between a model's inputs and outputs, and the arena gives their memory to others as
// soon as nobody needs them. The nodes of a captured graph are the runtime's own, so while an interception lives each
// of them calls us in place of its kernel; we call the kernel and then tell a listener.
#pragma once

#include <cstddef>
#include <exception>
#include <unordered_map>

#include "litert_abi/tflite.hpp"
#include "zerolite/graph/graph_observer.hpp"

namespace zerolite {

class NodeListener {
 public:
  NodeListener() = default;
  virtual ~NodeListener() = default;
  NodeListener(const NodeListener&) = delete;
  NodeListener& operator=(const NodeListener&) = delete;

  // Around the runtime's call.
  virtual void begin_run() {}
  virtual void end_run() {}
  virtual void before_node(std::size_t /*subgraph*/, const CapturedGraph& /*graph*/,
                           const abi::tflite::Node& /*node*/) {}
  // The node has run, and its outputs are what it made of them. Nodes of a loop's body come once for each turn.
  virtual void after_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) = 0;
};

// Applies to runs on the thread that made it, of which one is intercepted at a time; it must not outlive the compiled
// model, which runs meanwhile on no other thread.
class NodeInterception {
 public:
  NodeInterception(const GraphObserver& observer, NodeListener& listener);
  ~NodeInterception();
  NodeInterception(const NodeInterception&) = delete;
  NodeInterception& operator=(const NodeInterception&) = delete;

  // Throws what the listener threw, which has failed the run.
  void rethrow_listener_error() const;

 private:
  struct Original {
    abi::tflite::Invoke* invoke;
    std::size_t subgraph;
  };

  static abi::tflite::Status invoke(abi::tflite::Context* context, abi::tflite::Node* node);
  abi::tflite::Status invoke_original(abi::tflite::Context* context, abi::tflite::Node* node);

  static thread_local NodeInterception* current;

  const GraphObserver& observer_;
  NodeListener& listener_;
  NodeInterception* previous_;
  std::unordered_map<const abi::tflite::Node*, Original> originals_;
  std::exception_ptr listener_error_;
};

}  // namespace zerolite

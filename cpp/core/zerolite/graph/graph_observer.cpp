#include "zerolite/graph/graph_observer.hpp"

#include "zerolite/runtime/accelerator.hpp"

namespace zerolite {
namespace {

constexpr const char* kIdentifier = "zerolite_graph_observer";

}  // namespace

GraphObserver::GraphObserver(std::size_t subgraph_count, OnCapture on_capture)
    : delegate_{}, graphs_(subgraph_count), on_capture_(on_capture) {
  delegate_.data = this;
  delegate_.prepare = &GraphObserver::prepare;
  // Without this flag the runtime would refuse to apply the observer to graphs with dynamic tensors and would
  // make all others immutable.
  delegate_.flags = abi::tflite::kDelegateAllowDynamicTensors;
  delegate_.free_buffer_handle = nullptr;
}

void GraphObserver::register_with(abi::Environment environment) {
  register_accelerator(environment, &GraphObserver::create_delegate);
}

void GraphObserver::attach_to(abi::Options options) { attach_settings(options, kIdentifier, this); }

const CapturedGraph* GraphObserver::graph(std::size_t subgraph) const {
  return subgraph < graphs_.size() && graphs_[subgraph].is_captured() ? &graphs_[subgraph] : nullptr;
}

abi::Status GraphObserver::create_delegate(abi::RuntimeContext /*runtime_context*/, abi::Environment /*environment*/,
                                           abi::AcceleratorConst /*accelerator*/, abi::Options options,
                                           abi::DelegateWrapper* wrapper) {
  *wrapper = nullptr;
  auto* observer = static_cast<GraphObserver*>(find_settings(options, kIdentifier));
  // No delegate for somebody else's model in our environment.
  return observer == nullptr ? abi::Status::ok : lend_delegate(&observer->delegate_, wrapper);
}

abi::tflite::Status GraphObserver::prepare(abi::tflite::Context* context, abi::tflite::Delegate* delegate) {
  static_cast<GraphObserver*>(delegate->data)->capture(context);
  return abi::tflite::Status::ok;
}

void GraphObserver::capture(abi::tflite::Context* context) {
  // The context does not tell its subgraph's index, but gives the contexts by index.
  for (std::size_t i = 0; i < graphs_.size(); ++i) {
    const int index = static_cast<int>(i);
    abi::tflite::Context* candidate = nullptr;
    if (context->acquire_subgraph_context(context, index, &candidate) != abi::tflite::Status::ok) continue;
    if (candidate == context) {
      graphs_[i] = CapturedGraph(context);
      if (on_capture_ != nullptr) on_capture_(graphs_[i]);
    }
    (void)context->release_subgraph_context(context, index);
  }
}

}  // namespace zerolite

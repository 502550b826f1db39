#include "zerolite/graph/graph_observer.hpp"

#include <span>

#include "zerolite/model/model_contents.hpp"
#include "zerolite/runtime/accelerator.hpp"
#include "zerolite/runtime/runtime_library.hpp"

namespace zerolite {
namespace {

constexpr const char* kIdentifier = "zerolite_graph_observer";

// LiteRT 2.4 (nightly build) leaves the memory of inputs and outputs to whoever runs the graph, which hides from it,
// and from us, which outputs outgrow their memory in the middle of a run. With memory of the arena's until other memory
// is registered, as in LiteRT 2.3, that shows.
void show_inputs_and_outputs(abi::tflite::Context* context) {
  using abi::tflite::AllocationType;
  for (abi::tflite::Tensor& tensor : std::span(context->tensors, context->tensors_size)) {
    const bool is_hidden = tensor.allocation_type == AllocationType::non_cpu && tensor.data == nullptr &&
                           tensor.buffer_handle == abi::tflite::kNullBufferHandle;
    if (is_hidden) tensor.allocation_type = AllocationType::arena;
  }
}

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

void GraphObserver::stand_in(const Model& model) {
  const ModelContents contents = ModelContents::read(model.bytes().span());
  declared_.clear();
  for (std::size_t i = 0; i < graphs_.size(); ++i) {
    declared_.push_back(std::make_unique<DeclaredGraph>(model.interface().subgraphs[i], contents.subgraphs[i]));
    graphs_[i] = declared_.back()->graph();
  }
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
      const abi::Series* series = RuntimeLibrary::get().series();
      if (series != nullptr && series->hides_inputs_and_outputs) show_inputs_and_outputs(context);
      graphs_[i] = CapturedGraph(context);
      if (on_capture_ != nullptr) on_capture_(graphs_[i]);
    }
    (void)context->release_subgraph_context(context, index);
  }
}

}  // namespace zerolite

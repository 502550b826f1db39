#include "zerolite/graph_observer.hpp"

#include "zerolite/handle.hpp"
#include "zerolite/runtime_library.hpp"
#include "zerolite/status.hpp"

namespace zerolite {
namespace {

constexpr const char* kPayloadIdentifier = "zerolite_graph_observer";

abi::Status get_name(abi::AcceleratorConst /*accelerator*/, const char** name) {
  *name = "zerolite graph observer";
  return abi::Status::ok;
}

abi::Status get_version(abi::AcceleratorConst /*accelerator*/, abi::ApiVersion* version) {
  *version = {1, 0, 0};
  return abi::Status::ok;
}

abi::Status get_hardware_support(abi::AcceleratorConst /*accelerator*/, int* hardware) {
  *hardware = abi::kHardwareCpu;
  return abi::Status::ok;
}

// The runtime insists on destructors; what the observer hands out belongs to the model that is being
// compiled.
void keep_payload(void* /*payload*/) {}
void keep_delegate(abi::OpaqueDelegate /*delegate*/) {}

}  // namespace

GraphObserver::GraphObserver(std::size_t subgraph_count) : delegate_{}, graphs_(subgraph_count) {
  delegate_.data = this;
  delegate_.prepare = &GraphObserver::prepare;
  // Without this flag the runtime would refuse to apply the observer to graphs with dynamic tensors and would
  // make all others immutable.
  delegate_.flags = abi::tflite::kDelegateAllowDynamicTensors;
  delegate_.free_buffer_handle = nullptr;
}

void GraphObserver::register_with(abi::Environment environment) {
  const LogCapture log;
  const auto require = [&](abi::Status status) { require_ok(status, "register the graph observer", log); };
  abi::Accelerator accelerator = nullptr;
  require(runtime().CreateAccelerator(&accelerator));
  AcceleratorHandle handle(accelerator);
  require(runtime().SetAcceleratorGetName(accelerator, &get_name));
  require(runtime().SetAcceleratorGetVersion(accelerator, &get_version));
  require(runtime().SetAcceleratorGetHardwareSupport(accelerator, &get_hardware_support));
  require(runtime().SetDelegateFunction(accelerator, &GraphObserver::create_delegate));
  // The runtime takes the accelerator whether it accepts it or not.
  require(runtime().RegisterAccelerator(environment, handle.release(), nullptr, nullptr));
}

void GraphObserver::attach_to(abi::Options options) {
  const LogCapture log;
  abi::OpaqueOptions payload = nullptr;
  require_ok(runtime().CreateOpaqueOptions(kPayloadIdentifier, this, &keep_payload, &payload), "take an option", log);
  const abi::Status status = runtime().AddOpaqueOptions(options, payload);
  if (status != abi::Status::ok) runtime().DestroyOpaqueOptions(payload);
  require_ok(status, "take an option", log);
}

const CapturedGraph* GraphObserver::graph(std::size_t subgraph) const {
  return subgraph < graphs_.size() && graphs_[subgraph].is_captured() ? &graphs_[subgraph] : nullptr;
}

abi::Status GraphObserver::create_delegate(abi::RuntimeContext /*runtime_context*/, abi::Environment /*environment*/,
                                           abi::AcceleratorConst /*accelerator*/, abi::Options options,
                                           abi::DelegateWrapper* wrapper) {
  abi::OpaqueOptions payloads = nullptr;
  void* observer = nullptr;
  *wrapper = nullptr;
  if (runtime().GetOpaqueOptions(options, &payloads) != abi::Status::ok ||
      runtime().FindOpaqueOptionsData(payloads, kPayloadIdentifier, &observer) != abi::Status::ok) {
    return abi::Status::ok;  // no delegate: somebody else's model in our environment
  }
  auto* delegate = reinterpret_cast<abi::OpaqueDelegate>(&static_cast<GraphObserver*>(observer)->delegate_);
  return runtime().WrapDelegate(delegate, &keep_delegate, wrapper);
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
    if (candidate == context) graphs_[i] = CapturedGraph(context);
    (void)context->release_subgraph_context(context, index);
  }
}

}  // namespace zerolite

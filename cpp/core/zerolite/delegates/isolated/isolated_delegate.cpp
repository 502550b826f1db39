#include "zerolite/delegates/isolated/isolated_delegate.hpp"

#include <optional>
#include <utility>

#include "zerolite/delegates/isolated/remote_kernel.hpp"
#include "zerolite/delegates/whole_graph.hpp"
#include "zerolite/runtime/accelerator.hpp"

namespace zerolite {

using abi::tflite::Context;
using abi::tflite::Delegate;
using abi::tflite::Status;
using isolated::RemoteKernel;

IsolatedDelegate::IsolatedDelegate(IsolatedSettings settings) : model_(std::move(settings.model)) {
  delegate_.data = this;
  delegate_.prepare = &IsolatedDelegate::prepare;
  // Else the runtime would allocate the graph before and allow no other shapes after.
  delegate_.flags = abi::tflite::kDelegateAllowDynamicTensors;
}

abi::Status IsolatedDelegate::answer(const DelegateRequest& /*request*/, abi::DelegateWrapper* wrapper) noexcept {
  return lend_delegate(&delegate_, wrapper);
}

Status IsolatedDelegate::prepare(Context* context, Delegate* delegate) {
  auto* self = static_cast<IsolatedDelegate*>(delegate->data);
  const std::optional<std::size_t> subgraph = subgraph_of(context, self->model_->signature_count());
  if (!subgraph) return Status::error;
  self->subgraph_ = *subgraph;
  return take_whole_graph(context, RemoteKernel::registration(&IsolatedDelegate::init), delegate);
}

void* IsolatedDelegate::init(Context* /*context*/, const char* buffer, std::size_t /*size*/) {
  const auto* params = reinterpret_cast<const abi::tflite::DelegateParams*>(buffer);
  const auto* self = static_cast<const IsolatedDelegate*>(params->delegate->data);
  return RemoteKernel::make(self->model_, self->subgraph_);
}

}  // namespace zerolite

#include "zerolite/delegates/isolated/remote_kernel.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "zerolite/delegates/isolated/isolated_delegate.hpp"
#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::isolated {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Context;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Status;
using abi::tflite::Tensor;

Tensor& tensor_at(Context& context, int index) { return context.tensors[static_cast<std::size_t>(index)]; }

bool holds_strings(const Tensor& tensor) { return static_cast<ElementType>(tensor.type) == ElementType::string; }

// Its memory comes from the runtime whenever its shape is set, as that of any tensor whose shape only a run tells.
void make_dynamic(Tensor& tensor) {
  if (tensor.allocation_type == AllocationType::dynamic) return;
  tensor.allocation_type = AllocationType::dynamic;
  tensor.data = nullptr;
  tensor.bytes = 0;
}

void reshape(const CapturedGraph& graph, int index, const Shape& shape) {
  if (!graph.resize(index, shape)) throw Error("TensorFlow Lite does not take the shape of an output");
}

// The memory of strings is the tensor's own, and of no size that a shape would tell.
void store_strings(Tensor& tensor, std::span<const std::byte> encoded) {
  make_dynamic(tensor);
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): TensorFlow Lite frees it
  void* memory = std::realloc(tensor.data, std::max<std::size_t>(encoded.size(), 1));
  if (memory == nullptr) throw std::bad_alloc();
  std::memcpy(memory, encoded.data(), encoded.size());
  tensor.data = memory;
  tensor.bytes = encoded.size();
}

void store(Tensor& tensor, std::span<const std::byte> values) {
  if (tensor.bytes != values.size()) {
    throw Error("the process of the model answered with " + std::to_string(values.size()) + " bytes for output '" +
                name_of(tensor) + "', which takes " + std::to_string(tensor.bytes));
  }
  if (tensor.data != nullptr && !values.empty()) std::memcpy(tensor.data, values.data(), values.size());
}

template <typename Work>
Status answered(Context* context, const Work& work) {
  try {
    work();
    return Status::ok;
  } catch (const std::exception& error) {
    context->report_error(context, "%s", error.what());
    return Status::error;
  }
}

}  // namespace

RemoteKernel::RemoteKernel(std::shared_ptr<RemoteModel> model, std::size_t signature)
    : model_(std::move(model)), signature_(signature) {}

RemoteKernel* RemoteKernel::make(const std::shared_ptr<RemoteModel>& model, std::size_t signature) noexcept {
  return new (std::nothrow) RemoteKernel(model, signature);
}

Registration RemoteKernel::registration(Init* init) {
  Registration registration{};
  registration.init = init;
  registration.free = &RemoteKernel::free;
  registration.prepare = &RemoteKernel::prepare;
  registration.invoke = &RemoteKernel::invoke;
  registration.builtin_code = abi::tflite::kBuiltinDelegate;
  registration.custom_name = IsolatedDelegate::kName;
  registration.version = 1;
  return registration;
}

void RemoteKernel::fit(Context& context, const Node& node) {
  const CapturedGraph graph(&context);
  shapes_.clear();
  for (const int index : node.inputs->values()) shapes_.push_back(graph.shape(index));
  const RemoteSignature& described = model_->signature(signature_);
  const RemoteOutputs outputs = shapes_ == described.inputs ? described.outputs : model_->resize(signature_, shapes_);
  const std::span<const int> indices = node.outputs->values();
  if (indices.size() != outputs.outputs.size()) throw Error("the stand-in does not fit the model");
  for (std::size_t i = 0; i < indices.size(); ++i) {
    Tensor& tensor = tensor_at(context, indices[i]);
    if (holds_strings(tensor)) continue;
    if (!outputs.known) {
      make_dynamic(tensor);
    } else {
      reshape(graph, indices[i], outputs.outputs[i].shape);
    }
  }
}

void RemoteKernel::run(Context& context, const Node& node) {
  inputs_.clear();
  for (const int index : node.inputs->values()) {
    const Tensor& tensor = tensor_at(context, index);
    inputs_.push_back({tensor.data, tensor.bytes});
  }
  model_->run(signature_, shapes_, inputs_);
  const CapturedGraph graph(&context);
  const RemoteOutputs& results = model_->outputs();
  const std::span<const int> indices = node.outputs->values();
  for (std::size_t i = 0; i < indices.size(); ++i) {
    Tensor& tensor = tensor_at(context, indices[i]);
    const bool strings = holds_strings(tensor);
    if (!strings && !results.known) make_dynamic(tensor);
    if (strings || !results.known) reshape(graph, indices[i], results.outputs[i].shape);
    if (strings) {
      store_strings(tensor, model_->output(i));
    } else {
      store(tensor, model_->output(i));
    }
  }
}

Status RemoteKernel::prepare(Context* context, Node* node) {
  auto* kernel = static_cast<RemoteKernel*>(node->user_data);
  if (kernel == nullptr) return Status::error;
  return answered(context, [&] { kernel->fit(*context, *node); });
}

Status RemoteKernel::invoke(Context* context, Node* node) {
  return answered(context, [&] { static_cast<RemoteKernel*>(node->user_data)->run(*context, *node); });
}

void RemoteKernel::free(Context* /*context*/, void* kernel) {
  const std::unique_ptr<RemoteKernel> owner(static_cast<RemoteKernel*>(kernel));
}

}  // namespace zerolite::isolated

#include "zerolite/operators/function_node.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/operators/kernel_failure.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Context;
using abi::tflite::IntArray;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Status;
using abi::tflite::Tensor;

struct FunctionNode {
  std::string name;
  std::shared_ptr<const HostKernel> kernel;
  std::shared_ptr<const LockOfModel> lock;
};

std::span<const int> indices(const IntArray* array) {
  return array == nullptr ? std::span<const int>() : array->values();
}

class LiveCall : public NodeCall {
 public:
  LiveCall(Context& context, const Node& node)
      : context_(context), node_(node), inputs_(indices(node.inputs)), outputs_(indices(node.outputs)) {}

  [[nodiscard]] std::size_t input_count() const override { return inputs_.size(); }
  [[nodiscard]] std::optional<HostOperand> input(std::size_t index) const override {
    if (inputs_[index] == abi::tflite::kOptionalTensor) return std::nullopt;
    return operand(inputs_[index]);
  }
  [[nodiscard]] std::size_t output_count() const override { return outputs_.size(); }
  [[nodiscard]] HostOperand output(std::size_t index) const override { return operand(outputs_[index]); }
  [[nodiscard]] std::span<const std::byte> options() const override {
    const auto* data = static_cast<const std::byte*>(node_.custom_initial_data);
    const int size = node_.custom_initial_data_size;
    return data == nullptr || size <= 0 ? std::span<const std::byte>()
                                        : std::span(data, static_cast<std::size_t>(size));
  }

  [[nodiscard]] std::span<std::byte> place(std::size_t output, std::span<const std::int32_t> shape) const override {
    const int index = outputs_[output];
    const Shape wanted(shape.begin(), shape.end());
    const CapturedGraph graph(&context_, nullptr);
    if (context_.tensors[index].allocation_type == AllocationType::dynamic) {
      if (!graph.resize(index, wanted))
        throw Error("the runtime has no memory for a result of shape " + to_string(wanted));
    } else if (!std::ranges::equal(wanted, operand(index).shape)) {
      throw ValueError("it returned an array of shape " + to_string(wanted) + " for " + described(index) +
                       " of shape " + to_string(graph.shape(index)) +
                       "; return that shape, or tell the right one with shapes=");
    }
    return operand(index).bytes;
  }

  // As the kernel's Prepare does it.
  void set_shape(std::size_t output, const std::optional<Shape>& shape) const {
    const int index = outputs_[output];
    Tensor& tensor = context_.tensors[index];
    if (!shape) {
      if (tensor.allocation_type == AllocationType::dynamic) return;
      tensor.allocation_type = AllocationType::dynamic;
      tensor.data = nullptr;
      return;
    }
    if (std::ranges::any_of(*shape, [](std::int32_t size) { return size < 0; })) {
      throw ValueError("shapes gave " + to_string(*shape) + " for " + described(index) +
                       "; sizes are 0 or more, and None in the place of a shape means that only the run tells it");
    }
    if (std::ranges::equal(*shape, operand(index).shape)) return;
    if (!CapturedGraph(&context_, nullptr).resize(index, *shape)) {
      throw Error("the runtime refuses the shape " + to_string(*shape) + " of " + described(index));
    }
  }

 private:
  [[nodiscard]] std::string described(int index) const {
    return "output '" + std::string(name_of(context_.tensors[index])) + "'";
  }

  [[nodiscard]] HostOperand operand(int index) const {
    const Tensor& tensor = context_.tensors[index];
    const std::span<const int> signature = indices(tensor.dims_signature);
    return {static_cast<ElementType>(tensor.type), indices(tensor.dims),
            std::span(static_cast<std::byte*>(tensor.data), tensor.data == nullptr ? 0 : tensor.bytes),
            std::ranges::find(signature, -1) == signature.end()};
  }

  Context& context_;
  const Node& node_;
  std::span<const int> inputs_;
  std::span<const int> outputs_;
};

// Tells the runtime, and keeps the exception for who gets the runtime's message.
Status report(Context* context, const std::string& name, std::string_view reason) noexcept {
  try {
    // The first line; what a traceback says follows it.
    std::string message = "the function of custom operator " + name + " failed: ";
    message += reason.substr(0, reason.find('\n'));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say why
    context->report_error(context, "%s", message.c_str());
    kernel_failure::keep(std::move(message), std::current_exception());
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): no memory for the message; the status says enough
  }
  return Status::error;
}

// The runtime is C code to an exception.
template <typename Call>
Status call_function(Context* context, Node* node, const Call& call) noexcept {
  if (node->user_data == nullptr) return Status::error;  // no memory for it
  const auto& function = *static_cast<const FunctionNode*>(node->user_data);
  kernel_failure::forget();
  try {
    const RunningFunction running(*function.lock);
    call(*function.kernel, LiveCall(*context, *node));
    return Status::ok;
  } catch (const std::exception& error) {
    return report(context, function.name, error.what());
  } catch (...) {
    return report(context, function.name, "an exception of an unknown type");
  }
}

Status prepare(Context* context, Node* node) {
  return call_function(context, node, [](const HostKernel& kernel, const LiveCall& call) {
    const std::vector<std::optional<Shape>> shapes = kernel.output_shapes(call);
    for (std::size_t i = 0; i < shapes.size(); ++i) call.set_shape(i, shapes[i]);
  });
}

Status invoke(Context* context, Node* node) {
  return call_function(context, node, [](const HostKernel& kernel, const LiveCall& call) { kernel.run(call); });
}

void free_node(Context* /*context*/, void* data) {
  const std::unique_ptr<FunctionNode> node(static_cast<FunctionNode*>(data));
}

}  // namespace

Registration function_kernel() {
  Registration registration{};
  registration.free = &free_node;
  registration.prepare = &prepare;
  registration.invoke = &invoke;
  return registration;
}

void* make_function_node(const std::string& name, const std::shared_ptr<const HostKernel>& kernel,
                         const std::shared_ptr<const LockOfModel>& lock) noexcept {
  try {
    return std::make_unique<FunctionNode>(FunctionNode{name, kernel, lock}).release();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace zerolite

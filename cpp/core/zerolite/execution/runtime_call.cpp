#include "zerolite/execution/runtime_call.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "zerolite/runtime/status.hpp"

namespace zerolite {

RuntimeCall::RuntimeCall(abi::CompiledModel model, std::size_t signature, const CapturedGraph& graph,
                         std::vector<std::size_t> inputs, std::vector<std::size_t> outputs)
    : model_(model),
      signature_(signature),
      graph_(graph),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      input_buffers_(inputs_.size()),
      output_buffers_(outputs_.size()) {}

abi::Status RuntimeCall::run(std::span<TensorBinding> bindings, std::optional<NodeHook> hook) {
  // The runtime locks the buffers of inputs and then those of outputs that hold strings, and so a buffer that is both
  // twice, which fails (LiteRT 2.3.0).
  const auto is_locked_twice = [&](std::size_t binding) {
    return bindings[binding].type() == ElementType::string && std::ranges::find(outputs_, binding) != outputs_.end();
  };
  std::ranges::transform(inputs_, input_buffers_.begin(), [&](std::size_t binding) {
    return is_locked_twice(binding) ? nullptr : bindings[binding].registration();
  });
  std::ranges::transform(outputs_, output_buffers_.begin(),
                         [&](std::size_t binding) { return bindings[binding].output_registration(); });
  fill_unregistered_inputs(bindings);
  const abi::Status status = run_with_inputs(hook);
  take_strings_back();
  return status;
}

abi::Status RuntimeCall::run_with_inputs(std::optional<NodeHook> hook) {
  if (!hook) return invoke();
  abi::Status status = runtime().SetCompiledModelCancellationFunction(model_, hook->data, hook->before_node);
  if (status == abi::Status::ok) status = invoke();
  // The runtime can't be told to forget the function (LiteRT 2.3.0), so it stays, with nothing to act on.
  (void)runtime().SetCompiledModelCancellationFunction(model_, nullptr, hook->before_node);
  return status;
}

void RuntimeCall::fill_unregistered_inputs(std::span<const TensorBinding> bindings) {
  own_strings_.reserve(inputs_.size());  // before anything is lent
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const TensorBinding& binding = bindings[inputs_[i]];
    if (input_buffers_[i] != nullptr || binding.size() == 0) continue;
    const abi::tflite::Tensor& tensor = graph_.tensor(binding.tensor_index());
    if (binding.type() == ElementType::string) {
      lend_strings(binding);
    } else if (tensor.data != nullptr) {
      std::memcpy(tensor.data, binding.data(), std::min(binding.size(), tensor.bytes));
    }
  }
}

// The tensor's own memory has the size of the strings that it held before, so kernels could read past its end.
void RuntimeCall::lend_strings(const TensorBinding& binding) {
  abi::tflite::Tensor& tensor = graph_.tensor(binding.tensor_index());
  own_strings_.push_back({binding.tensor_index(), tensor.data, tensor.bytes, tensor.allocation_type});
  tensor.data = binding.data();
  tensor.bytes = binding.size();
  tensor.allocation_type = abi::tflite::AllocationType::custom;
}

void RuntimeCall::take_strings_back() noexcept {
  // From the last to the first: a tensor that is an input twice was lent to twice.
  while (!own_strings_.empty()) {
    const OwnStrings own = own_strings_.back();
    own_strings_.pop_back();
    abi::tflite::Tensor& tensor = graph_.tensor(own.tensor);
    tensor.data = own.data;
    tensor.bytes = own.bytes;
    tensor.allocation_type = own.allocation_type;
  }
}

abi::Status RuntimeCall::invoke() {
  return guarded([this] {
    return runtime().RunCompiledModel(model_, signature_, input_buffers_.size(), input_buffers_.data(),
                                      output_buffers_.size(), output_buffers_.data());
  });
}

}  // namespace zerolite

#include "zerolite/delegates/openvino/graph_kernel.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::openvino {
namespace {

using abi::tflite::Context;
using abi::tflite::IntArray;
using abi::tflite::Node;
using abi::tflite::Status;
using abi::tflite::Tensor;

Tensor& tensor_of(Context& context, const GraphTensor& tensor) {
  return context.tensors[static_cast<std::size_t>(tensor.index)];
}

// The runtime frees shapes as it frees its own, which come from malloc.
IntArray* shape_of(const std::vector<std::int32_t>& shape) {
  auto* memory = static_cast<int*>(std::malloc((shape.size() + 1) * sizeof(int)));
  if (memory == nullptr) throw std::bad_alloc();
  *memory = static_cast<int>(shape.size());
  std::ranges::copy(shape, memory + 1);
  return reinterpret_cast<IntArray*>(memory);
}

Status report(Context* context, const char* message) {
  context->report_error(context, "%s", message);
  return Status::error;
}

}  // namespace

GraphKernel::GraphKernel(std::shared_ptr<const Model> model, std::size_t subgraph, const OpenVinoSettings& settings,
                         std::vector<GraphTensor> inputs, std::vector<GraphTensor> outputs)
    : model_(std::move(model)),
      subgraph_(subgraph),
      settings_(settings),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)) {
  programs_.emplace_back(model_->bytes().span(), subgraph_, settings_, inputs_, outputs_);
}

bool GraphKernel::fits(const Program& program) const {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (program.input_shape(i) != inputs_[i].shape) return false;
  }
  return true;
}

void GraphKernel::fit(Context& context) {
  for (GraphTensor& input : inputs_) {
    input.shape = values_of(tensor_of(context, input).dims);
    if (std::ranges::find(input.shape, 0) != input.shape.end()) {
      throw DelegateError("OpenVINO takes no inputs without elements; load the model without zl.OpenVino for them");
    }
  }
  const auto found = std::ranges::find_if(programs_, [&](const Program& program) { return fits(program); });
  if (found != programs_.end()) {
    programs_.splice(programs_.begin(), programs_, found);
  } else {
    programs_.emplace_front(model_->bytes().span(), subgraph_, settings_, inputs_, outputs_);
    if (programs_.size() > kMostPrograms) programs_.pop_back();
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    IntArray* shape = shape_of(programs_.front().output_shape(i));
    if (context.resize_tensor(&context, &tensor_of(context, outputs_[i]), shape) != Status::ok) {
      throw DelegateError("TensorFlow Lite does not take the shape of an output of OpenVINO's");
    }
  }
}

void GraphKernel::run(Context& context) {
  Program& program = programs_.front();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].is_used) program.bind_input(i, tensor_of(context, inputs_[i]).data);
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) program.bind_output(i, tensor_of(context, outputs_[i]).data);
  program.run();
}

Status GraphKernel::prepare(Context* context, Node* node) {
  auto* kernel = static_cast<GraphKernel*>(node->user_data);
  if (kernel == nullptr) return report(context, "OpenVINO's part of the graph has no kernel");
  try {
    kernel->fit(*context);
    return Status::ok;
  } catch (const std::exception& error) {
    return report(context, error.what());
  }
}

Status GraphKernel::invoke(Context* context, Node* node) {
  try {
    static_cast<GraphKernel*>(node->user_data)->run(*context);
    return Status::ok;
  } catch (const std::exception& error) {
    return report(context, error.what());
  }
}

void GraphKernel::free(Context* /*context*/, void* kernel) {
  const std::unique_ptr<GraphKernel> owner(static_cast<GraphKernel*>(kernel));
}

}  // namespace zerolite::openvino

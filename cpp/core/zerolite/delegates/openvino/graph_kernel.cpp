#include "zerolite/delegates/openvino/graph_kernel.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::openvino {
namespace {

using abi::tflite::Context;
using abi::tflite::Node;
using abi::tflite::Status;
using abi::tflite::Tensor;

Tensor& tensor_of(Context& context, const GraphTensor& tensor) {
  return context.tensors[static_cast<std::size_t>(tensor.index)];
}

// What tells a program from others of the same model: the operators, and the inputs' shapes.
std::string name_of_program(const GraphPart& part, const std::vector<GraphTensor>& inputs) {
  std::string name = std::to_string(part.subgraph) + ':';
  for (const std::size_t index : part.operators) name += std::to_string(index) + ',';
  for (const GraphTensor& input : inputs) {
    name += ' ';
    for (const std::int32_t size : input.shape) name += std::to_string(size) + 'x';
  }
  return name;
}

Status report(Context* context, const char* message) {
  context->report_error(context, "%s", message);
  return Status::error;
}

}  // namespace

GraphKernel::GraphKernel(std::shared_ptr<const Model> model, GraphPart part, OpenVinoSettings settings,
                         std::vector<GraphTensor> inputs, std::vector<GraphTensor> outputs)
    : model_(std::move(model)),
      part_(std::move(part)),
      settings_(std::move(settings)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)) {
  programs_.push_back(settings_.programs == nullptr ? compile() : find_or_compile(*settings_.programs));
}

Program GraphKernel::compile() const {
  return Program::compile(model_->bytes().span(), part_, settings_, inputs_, outputs_);
}

Program GraphKernel::find_or_compile(const ProgramStore& store) const {
  const std::string name = name_of_program(part_, inputs_);
  if (const std::optional<std::vector<char>> content = store.find(name)) {
    std::optional<Program> restored = Program::restore(*content, settings_, inputs_, outputs_);
    if (restored) return *std::move(restored);
  }
  Program program = compile();
  store.keep(name, program.serialized());
  return program;
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
    programs_.push_front(compile());
    if (programs_.size() > kMostPrograms) programs_.pop_back();
  }
  const CapturedGraph graph(&context);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (!graph.resize(outputs_[i].index, programs_.front().output_shape(i))) {
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

#include "zerolite/delegates/openvino/openvino_delegate.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "zerolite/delegates/openvino/graph_kernel.hpp"
#include "zerolite/delegates/openvino/graph_parts.hpp"
#include "zerolite/delegates/openvino/openvino_support.hpp"
#include "zerolite/delegates/whole_graph.hpp"
#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/accelerator.hpp"

namespace zerolite {
namespace {

using abi::tflite::Context;
using abi::tflite::Delegate;
using abi::tflite::Registration;
using abi::tflite::Status;
using openvino::GraphKernel;
using openvino::GraphTensor;

bool is_whole(const std::vector<PlannedNode>& plan, const SubgraphDescription& subgraph) {
  return plan.size() == subgraph.operators.size() &&
         std::ranges::all_of(plan, [](const PlannedNode& planned) { return planned.node->delegate == nullptr; });
}

GraphTensor tensor_of(const CapturedGraph& graph, std::int32_t index, bool is_used) {
  return {index, static_cast<ElementType>(graph.tensor(index).type), graph.shape(index), is_used};
}

// The subgraph's inputs, and those of its outputs that are computed, each once.
std::pair<std::vector<GraphTensor>, std::vector<GraphTensor>> interface_of(const CapturedGraph& graph,
                                                                           const std::vector<PlannedNode>& plan,
                                                                           const SubgraphDescription& subgraph) {
  std::set<std::int32_t> read;
  std::set<std::int32_t> written;
  for (const PlannedNode& planned : plan) {
    for (const std::int32_t index : planned.node->inputs->values()) read.insert(index);
    for (const std::int32_t index : planned.node->outputs->values()) written.insert(index);
  }
  std::pair<std::vector<GraphTensor>, std::vector<GraphTensor>> interface;
  for (const std::int32_t index : std::set<std::int32_t>(subgraph.inputs.begin(), subgraph.inputs.end())) {
    interface.first.push_back(tensor_of(graph, index, read.contains(index)));
  }
  for (const std::int32_t index : std::set<std::int32_t>(subgraph.outputs.begin(), subgraph.outputs.end())) {
    if (written.contains(index)) interface.second.push_back(tensor_of(graph, index, true));
  }
  return interface;
}

}  // namespace

OpenVinoDelegate::OpenVinoDelegate(OpenVinoSettings settings, std::shared_ptr<const Model> model)
    : settings_(std::move(settings)), model_(std::move(model)) {
  delegate_.data = this;
  delegate_.prepare = &OpenVinoDelegate::prepare;
  // Else the runtime would allocate the graph before and allow no other shapes after.
  delegate_.flags = abi::tflite::kDelegateAllowDynamicTensors;
}

OpenVinoDelegate::~OpenVinoDelegate() = default;

std::vector<openvino::NodeCounter> OpenVinoDelegate::counters(const abi::tflite::Node& node) {
  if (node.delegate == nullptr || node.delegate->prepare != &OpenVinoDelegate::prepare) return {};
  const auto* self = static_cast<const OpenVinoDelegate*>(node.delegate->data);
  const auto* kernel = static_cast<const GraphKernel*>(node.user_data);
  if (!self->settings_.counters || kernel == nullptr) return {};
  return kernel->counters();
}

abi::Status OpenVinoDelegate::answer(const DelegateRequest& /*request*/, abi::DelegateWrapper* wrapper) noexcept {
  refuse("");
  return lend_delegate(&delegate_, wrapper);
}

OpenVinoDelegate::Kernel OpenVinoDelegate::compile_whole(Context* context, std::size_t subgraph,
                                                         const std::string& reason) const {
  const SubgraphDescription& description = model_->interface().subgraphs[subgraph];
  const CapturedGraph graph(context);
  const std::vector<PlannedNode> plan = graph.plan();
  if (!is_whole(plan, description)) {
    throw DelegateError("delegates before it have taken parts of the graph, and what they left is too small for it");
  }
  if (!reason.empty()) throw DelegateError(reason);
  auto [inputs, outputs] = interface_of(graph, plan, description);
  GraphPart all{.subgraph = subgraph, .operators = std::vector<std::size_t>(plan.size()), .inputs = {}, .outputs = {}};
  std::iota(all.operators.begin(), all.operators.end(), std::size_t{0});
  for (const GraphTensor& input : inputs) all.inputs.push_back(input.index);
  for (const GraphTensor& output : outputs) all.outputs.push_back(output.index);
  return std::make_unique<GraphKernel>(model_, std::move(all), settings_, std::move(inputs), std::move(outputs));
}

OpenVinoDelegate::Kernel OpenVinoDelegate::compile_part(Context* context, const GraphPart& part) const {
  const CapturedGraph graph(context);
  std::vector<GraphTensor> inputs;
  std::vector<GraphTensor> outputs;
  inputs.reserve(part.inputs.size());
  outputs.reserve(part.outputs.size());
  for (const std::int32_t index : part.inputs) inputs.push_back(tensor_of(graph, index, true));
  for (const std::int32_t index : part.outputs) outputs.push_back(tensor_of(graph, index, true));
  return std::make_unique<GraphKernel>(model_, part, settings_, std::move(inputs), std::move(outputs));
}

// A part that OpenVINO refuses is left to others, and the rest is divided anew.
void OpenVinoDelegate::compile_parts(Context* context, std::size_t subgraph, const std::vector<bool>& takes) {
  openvino::GraphParts parts(context, *model_, subgraph, takes);
  std::map<std::vector<int>, Kernel> compiled;
  for (bool is_complete = false; !is_complete;) {
    kernels_.clear();
    is_complete = true;
    for (const openvino::PlannedPart& planned : parts.choose()) {
      Kernel& kernel = compiled[planned.nodes];
      try {
        if (kernel == nullptr) kernel = compile_part(context, planned.part);
      } catch (const DelegateError&) {
        parts.leave(planned);
        is_complete = false;
      }
    }
  }
  for (const openvino::PlannedPart& planned : parts.choose()) {
    kernels_.insert_or_assign(planned.nodes, std::move(compiled.at(planned.nodes)));
  }
}

Status OpenVinoDelegate::prepare(Context* context, Delegate* delegate) {
  auto* self = static_cast<OpenVinoDelegate*>(delegate->data);
  try {
    return self->take(context);
  } catch (const std::bad_alloc&) {
    self->refuse("there is too little memory for OpenVINO to compile the graph");
    return Status::ok;
  } catch (const std::exception& error) {
    // The graph stays with others. Of several the first one is the main one.
    if (self->refusal().empty()) self->refuse(error.what());
    return Status::ok;
  }
}

Status OpenVinoDelegate::take(Context* context) {
  const std::optional<std::size_t> subgraph = subgraph_of(context, model_->interface().subgraphs.size());
  if (!subgraph) throw DelegateError("the runtime does not tell which subgraph it prepares");
  // Bodies of loops and branches are small and run often, and each run of a program costs more than a few operators.
  const auto& signatures = model_->interface().signatures;
  if (std::ranges::find(signatures, *subgraph, &SignatureDescription::subgraph) == signatures.end()) return Status::ok;
  if (CapturedGraph(context).plan().empty()) return Status::ok;  // nothing to compute
  const openvino::GraphSupport support = openvino::graph_support(*model_, *subgraph);
  kernels_.clear();
  try {
    std::vector<int> all;
    for (const PlannedNode& planned : CapturedGraph(context).plan()) all.push_back(static_cast<int>(planned.index));
    kernels_.emplace(all, compile_whole(context, *subgraph, support.reason));
  } catch (const DelegateError&) {
    compile_parts(context, *subgraph, support.takes);
    if (kernels_.empty()) throw;
  }
  std::vector<int> taken;
  for (const auto& [nodes, kernel] : kernels_) taken.insert(taken.end(), nodes.begin(), nodes.end());
  std::ranges::sort(taken);
  Registration registration{};
  registration.init = &OpenVinoDelegate::init;
  registration.free = &GraphKernel::free;
  registration.prepare = &GraphKernel::prepare;
  registration.invoke = &GraphKernel::invoke;
  registration.builtin_code = abi::tflite::kBuiltinDelegate;
  registration.custom_name = kName;
  registration.version = 1;
  return take_nodes(context, taken, registration, &delegate_);
}

void* OpenVinoDelegate::init(Context* /*context*/, const char* buffer, std::size_t /*size*/) {
  const auto* params = reinterpret_cast<const abi::tflite::DelegateParams*>(buffer);
  auto& kernels = static_cast<OpenVinoDelegate*>(params->delegate->data)->kernels_;
  const auto found = kernels.find(values_of(params->nodes_to_replace));
  return found == kernels.end() ? nullptr : found->second.release();
}

}  // namespace zerolite

#include "zerolite/delegates/openvino/graph_parts.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/model/subgraph_view.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::openvino {
namespace {

using abi::tflite::DelegateParams;
using abi::tflite::IntArray;

// A run of a part costs about 5 microseconds more than the same operators in XNNPACK, which smaller ones do not make up
// for; and each has to be compiled (benchmarks/openvino_parts.py; one thread of an AMD EPYC with AVX-512).
constexpr double kFewestOperations = 2e6;
constexpr std::size_t kMostParts = 8;

double element_count(const std::vector<std::int32_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), 1.0,
                         [](double count, std::int32_t size) { return count * std::max(size, 1); });
}

// About how many multiplications, or steps of another kind, an operator takes with the shapes of the file.
double operations_of(const SubgraphView& view, std::size_t index) {
  const OperatorDetails& details = view.details.operators[index];
  const auto shape_of = [&](std::size_t input) {
    return input < details.inputs.size() && view.has_tensor(details.inputs[input])
               ? view.tensor(details.inputs[input]).shape
               : std::vector<std::int32_t>();
  };
  const double outputs = details.outputs.empty() ? 0 : element_count(view.tensor(details.outputs.front()).shape);
  const std::vector<std::int32_t> first = shape_of(0);
  const std::vector<std::int32_t> weights = shape_of(1);
  switch (kind_of(view.operator_code(index))) {
    case Operator::CONV_2D:
    case Operator::CONV_3D:
    case Operator::FULLY_CONNECTED:
      return weights.empty() ? outputs : outputs * element_count(weights) / std::max(weights.front(), 1);
    case Operator::DEPTHWISE_CONV_2D:
      return weights.empty() ? outputs : outputs * element_count(weights) / std::max(weights.back(), 1);
    case Operator::TRANSPOSE_CONV: {
      const std::vector<std::int32_t> input = shape_of(2);
      return weights.empty() || input.empty()
                 ? outputs
                 : element_count(input) * element_count(weights) / std::max(weights.back(), 1);
    }
    case Operator::BATCH_MATMUL:
      return first.empty() ? outputs : outputs * std::max(first.back(), 1);
    default:
      return outputs;
  }
}

}  // namespace

GraphParts::GraphParts(abi::tflite::Context* context, const Model& model, std::size_t subgraph,
                       const std::vector<bool>& takes)
    : context_(context),
      interface_(model.interface()),
      contents_(ModelContents::read(model.bytes().span())),
      subgraph_(subgraph) {
  for (const PlannedNode& planned : CapturedGraph(context).plan()) {
    if (planned.node->delegate == nullptr && planned.index < takes.size() && takes[planned.index]) {
      candidates_.insert(static_cast<int>(planned.index));
    }
  }
  const SubgraphDetails& details = contents_.subgraphs[subgraph];
  const auto is_constant = [&](std::int32_t tensor) {
    return tensor < 0 || !details.tensors[static_cast<std::size_t>(tensor)].constant.empty() ||
           computed_constants_.contains(tensor);
  };
  for (const int node : candidates_) {
    const OperatorDetails& operation = details.operators[static_cast<std::size_t>(node)];
    if (operation.inputs.empty() || !std::ranges::all_of(operation.inputs, is_constant)) continue;
    for (const std::int32_t output : operation.outputs) computed_constants_.emplace(output, node);
  }
}

std::vector<PlannedPart> GraphParts::choose() const {
  std::vector<std::pair<double, PlannedPart>> worthwhile;
  for (PlannedPart& planned : parts_of(candidates_)) {
    const double operations = operations_of(planned);
    const bool is_used = !planned.part.outputs.empty() && !planned.part.inputs.empty();
    if (is_used && operations >= kFewestOperations) worthwhile.emplace_back(operations, std::move(planned));
  }
  std::ranges::stable_sort(worthwhile, std::ranges::greater(), &std::pair<double, PlannedPart>::first);
  if (worthwhile.size() > kMostParts) worthwhile.resize(kMostParts);
  Nodes chosen;
  for (const auto& [operations, planned] : worthwhile) chosen.insert(planned.nodes.begin(), planned.nodes.end());
  // TensorFlow Lite could divide them otherwise without the rest.
  return chosen.empty() ? std::vector<PlannedPart>() : parts_of(chosen);
}

void GraphParts::leave(const PlannedPart& part) {
  for (const int node : part.nodes) candidates_.erase(node);
}

std::vector<PlannedPart> GraphParts::parts_of(const Nodes& nodes) const {
  std::vector<int> indices = {static_cast<int>(nodes.size())};  // an IntArray: the count comes first
  indices.insert(indices.end(), nodes.begin(), nodes.end());
  DelegateParams* params = nullptr;
  int count = 0;
  const auto* array = reinterpret_cast<const IntArray*>(indices.data());
  if (context_->preview_delegate_partitioning(context_, array, &params, &count) != abi::tflite::Status::ok) {
    throw DelegateError("the runtime does not divide the graph into parts");
  }
  std::vector<PlannedPart> parts;
  for (const DelegateParams& one : std::span(params, static_cast<std::size_t>(count))) {
    parts.push_back(part_of(one, nodes));
  }
  return parts;
}

PlannedPart GraphParts::part_of(const DelegateParams& params, const Nodes& nodes) const {
  const SubgraphDetails& details = contents_.subgraphs[subgraph_];
  PlannedPart planned{.nodes = values_of(params.nodes_to_replace),
                      .part = {.subgraph = subgraph_, .operators = {}, .inputs = {}, .outputs = {}}};
  std::set<std::size_t> operators(planned.nodes.begin(), planned.nodes.end());
  std::set<std::int32_t> inputs;
  std::vector<std::int32_t> read = values_of(params.input_tensors);
  while (!read.empty()) {
    const std::int32_t tensor = read.back();
    read.pop_back();
    if (tensor < 0 || !details.tensors[static_cast<std::size_t>(tensor)].constant.empty()) continue;
    const auto maker = computed_constants_.find(tensor);
    if (maker == computed_constants_.end()) {
      inputs.insert(tensor);
    } else if (const auto index = static_cast<std::size_t>(maker->second); operators.insert(index).second) {
      read.insert(read.end(), details.operators[index].inputs.begin(), details.operators[index].inputs.end());
    }
  }
  planned.part.operators.assign(operators.begin(), operators.end());
  planned.part.inputs.assign(inputs.begin(), inputs.end());
  for (const std::int32_t tensor : values_of(params.output_tensors)) {
    if (!computed_constants_.contains(tensor) || is_read_outside(tensor, nodes)) planned.part.outputs.push_back(tensor);
  }
  return planned;
}

bool GraphParts::is_read_outside(std::int32_t tensor, const Nodes& nodes) const {
  const SubgraphView view = this->view();
  if (std::ranges::find(view.description.outputs, tensor) != view.description.outputs.end()) return true;
  for (std::size_t i = 0; i < view.details.operators.size(); ++i) {
    const std::vector<std::int32_t>& inputs = view.details.operators[i].inputs;
    if (!nodes.contains(static_cast<int>(i)) && std::ranges::find(inputs, tensor) != inputs.end()) return true;
  }
  return false;
}

double GraphParts::operations_of(const PlannedPart& planned) const {
  double operations = 0;
  for (const int node : planned.nodes) operations += openvino::operations_of(view(), static_cast<std::size_t>(node));
  return operations;
}

}  // namespace zerolite::openvino

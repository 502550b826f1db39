#include "zerolite/gpu_obstacle.hpp"

#include <algorithm>

#include "zerolite/model_details.hpp"

namespace zerolite {
namespace {

constexpr std::int32_t kStablehloComposite = 206;

bool is_empty(const TensorDescription& tensor) { return std::ranges::find(tensor.shape, 0) != tensor.shape.end(); }

std::string obstacle_of(const TensorDescription& tensor) {
  const std::string name = "tensor '" + tensor.name + "'";
  // Divides by the size while it plans its buffers: SIGFPE.
  if (is_empty(tensor)) return name + " is empty, which the GPU accelerator does not survive";
  // Answers zeros, or fails in each run.
  if (tensor.type == ElementType::bfloat16) return name + " holds bfloat16, which the GPU accelerator computes wrongly";
  return {};
}

}  // namespace

std::string gpu_obstacle(const Model& model) {
  const ModelDescription& description = model.description();
  for (const SubgraphDescription& subgraph : description.subgraphs) {
    for (const TensorDescription& tensor : subgraph.tensors) {
      if (std::string found = obstacle_of(tensor); !found.empty()) return found;
    }
    for (const std::uint32_t code : subgraph.operators) {
      // Reads a null pointer for "odml.group_norm", whatever the attributes: SIGSEGV.
      if (description.operator_codes[code].builtin_code == kStablehloComposite) {
        return "an operator is a STABLEHLO_COMPOSITE, and the GPU accelerator does not survive some of them";
      }
    }
  }
  const ModelDetails details = ModelDetails::read(model);
  for (const SubgraphDetails& subgraph : details.subgraphs) {
    // Takes the values that are there for the first of a dense tensor.
    if (std::ranges::any_of(subgraph.tensors,
                            [](const TensorDetails& tensor) { return tensor.sparsity.has_value(); })) {
      return "its weights are sparse, which the GPU accelerator computes wrongly";
    }
  }
  return {};
}

}  // namespace zerolite

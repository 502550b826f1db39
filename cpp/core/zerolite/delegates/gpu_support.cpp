#include "zerolite/delegates/gpu_support.hpp"

#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/operators.hpp"

namespace zerolite {
namespace {

std::string unsupported_reason(const TensorDescription& tensor) {
  const std::string name = "tensor '" + tensor.name + "'";
  // Divides by the size while it plans its buffers: SIGFPE.
  if (tensor.is_empty()) return name + " is empty, which the GPU accelerator does not survive";
  // Answers zeros, or fails in each run.
  if (tensor.type == ElementType::bfloat16) return name + " holds bfloat16, which the GPU accelerator computes wrongly";
  return {};
}

}  // namespace

std::string gpu_unsupported_reason(const Model& model) {
  const ModelInterface& description = model.interface();
  for (const SubgraphDescription& subgraph : description.subgraphs) {
    for (const TensorDescription& tensor : subgraph.tensors) {
      if (std::string found = unsupported_reason(tensor); !found.empty()) return found;
    }
    for (const std::uint32_t code : subgraph.operators) {
      // Reads a null pointer for "odml.group_norm", whatever the attributes: SIGSEGV.
      if (kind_of(description.operator_codes[code]) == Operator::STABLEHLO_COMPOSITE) {
        return "an operator is a STABLEHLO_COMPOSITE, and the GPU accelerator does not survive some of them";
      }
    }
  }
  // Takes the values that are there for the first of a dense tensor.
  if (ModelContents::read(model.bytes().span()).has_sparse_tensors()) {
    return "its weights are sparse, which the GPU accelerator computes wrongly";
  }
  return {};
}

}  // namespace zerolite

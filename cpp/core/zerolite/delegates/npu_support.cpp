#include "zerolite/delegates/npu_support.hpp"

#include "zerolite/model/model_contents.hpp"

namespace zerolite {
namespace {

std::string unsupported_reason(const TensorDescription& tensor) {
  const std::string name = "tensor '" + tensor.name + "'";
  if (tensor.type == ElementType::resource || tensor.type == ElementType::variant) {
    return name + " is a resource, whose values the NPU's compiler loses between runs";
  }
  if (tensor.type == ElementType::uint64) return name + " holds uint64, which the NPU's compiler computes wrongly";
  if (tensor.is_empty()) return name + " is empty, for which an NPU's program can't be prepared";
  return {};
}

}  // namespace

std::string npu_unsupported_reason(const Model& model) {
  for (const SubgraphDescription& subgraph : model.interface().subgraphs) {
    for (const TensorDescription& tensor : subgraph.tensors) {
      if (std::string found = unsupported_reason(tensor); !found.empty()) return found;
    }
  }
  if (ModelContents::read(model.bytes().span()).has_sparse_tensors()) {
    return "its weights are sparse, which the NPU's compiler takes for dense ones";
  }
  return {};
}

}  // namespace zerolite

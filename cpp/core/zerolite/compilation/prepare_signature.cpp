#include "zerolite/compilation/prepare_signature.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "zerolite/compilation/missing_kernels.hpp"
#include "zerolite/model/dependent_shapes.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/runtime_library.hpp"

namespace zerolite {
namespace {

void require_kernels(const Model& model, const GraphObserver& observer, std::size_t subgraph,
                     const CustomOperators* custom_operators) {
  const std::string missing = missing_kernels(model, observer, subgraph, custom_operators);
  if (!missing.empty()) throw Error(model.name() + ": " + missing);
}

// What the public interface can't pass in or out of a model, or only once.
void require_public_tensors(const Model& model, std::size_t subgraph) {
  const SubgraphDescription& described = model.interface().subgraphs[subgraph];
  const ModelContents contents = ModelContents::read(model.bytes().span());
  const SubgraphView view{model.interface(), described, contents.subgraphs[subgraph]};
  const std::set<std::int32_t> dependent = tensors_of_dependent_shape(view, ShapeSources::values);
  for (const std::vector<std::int32_t>* tensors : {&described.inputs, &described.outputs}) {
    for (const std::int32_t index : *tensors) {
      const TensorDescription& tensor = view.tensor(index);
      std::string reason;
      if (!bits_of(tensor.type)) reason = "is of the type " + std::string(name_of(tensor.type));
      if (tensor.is_empty()) reason = "has no elements";
      if (tensor.shape.size() > abi::kTensorMaxRank) reason = "has more than 8 dimensions";
      if (dependent.contains(index)) reason = "has a shape that only a run tells";
      if (reason.empty()) continue;
      RuntimeLibrary::get().require_known(model.name() + ": tensor '" + tensor.name + "' " + reason + "; that");
    }
  }
}

}  // namespace

std::unique_ptr<SignatureRunner> prepare_signature(abi::CompiledModel compiled, std::size_t index, const Model& model,
                                                   const GraphObserver& observer, bool direct_allowed,
                                                   const CustomOperators* custom_operators) {
  const std::size_t subgraph = model.interface().signatures[index].subgraph;
  if (observer.graph(subgraph)->is_declared()) require_public_tensors(model, subgraph);
  std::unique_ptr<SignatureRunner> runner;
  try {
    runner = std::make_unique<SignatureRunner>(compiled, index, model, *observer.graph(subgraph), direct_allowed,
                                               custom_operators);
  } catch (const Error&) {
    require_kernels(model, observer, subgraph, custom_operators);
    throw;
  }
  // No resize helps where a kernel is missing.
  if (runner->awaits_resize() || has_operators_by_name_only(model)) {
    require_kernels(model, observer, subgraph, custom_operators);
  }
  return runner;
}

}  // namespace zerolite

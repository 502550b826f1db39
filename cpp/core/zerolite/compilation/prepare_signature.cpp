#include "zerolite/compilation/prepare_signature.hpp"

#include <string>

#include "zerolite/compilation/missing_kernels.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

void require_kernels(const Model& model, const GraphObserver& observer, std::size_t subgraph,
                     const CustomOperators* custom_operators) {
  const std::string missing = missing_kernels(model, observer, subgraph, custom_operators);
  if (!missing.empty()) throw Error(model.name() + ": " + missing);
}

}  // namespace

std::unique_ptr<SignatureRunner> prepare_signature(abi::CompiledModel compiled, std::size_t index, const Model& model,
                                                   const GraphObserver& observer, bool direct_allowed,
                                                   const CustomOperators* custom_operators) {
  const std::size_t subgraph = model.interface().signatures[index].subgraph;
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

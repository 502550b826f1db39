// From a compiled model to a signature that can be run.
#pragma once

#include <cstddef>
#include <memory>

#include "zerolite/execution/signature_runner.hpp"
#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/runtime/handle.hpp"

namespace zerolite {

// The observer has seen the signature's graph. Throws Error when the runtime can't prepare it, or when a run would come
// to operators that nothing here computes; it then names all of them. The custom operators are those of the
// compilation, or null.
std::unique_ptr<SignatureRunner> prepare_signature(abi::CompiledModel compiled, std::size_t index, const Model& model,
                                                   const GraphObserver& observer, bool direct_allowed,
                                                   const CustomOperators* custom_operators);

}  // namespace zerolite

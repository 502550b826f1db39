// Compiling a model, with its delegates or without those that can't take it.
#pragma once

#include "zerolite/compile_options.hpp"
#include "zerolite/delegate_slots.hpp"
#include "zerolite/graph_observer.hpp"
#include "zerolite/handle.hpp"
#include "zerolite/model.hpp"

namespace zerolite {

// The observer and the delegates must outlive the compiled model. Throws Error when the runtime can't compile the model
// whatever the delegates, DelegateError when they are the reason.
CompiledModelHandle compile_model(const Model& model, const CompileOptions& options, GraphObserver& observer,
                                  DelegateSlots& delegates);

}  // namespace zerolite

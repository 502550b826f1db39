// Compiling a model, with its delegates or without those that can't take it.
#pragma once

#include <memory>

#include "zerolite/compilation/compile_options.hpp"
#include "zerolite/delegates/delegate_registry.hpp"
#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/runtime/handle.hpp"

namespace zerolite {

// An observer for the compilation of a model, which also puts the guards before the kernels of every graph that it
// sees.
GraphObserver make_observer(const Model& model);

struct Compilation {
  // What was compiled: the model, or what an NPU's compiler has made of it.
  std::shared_ptr<const Model> executed;
  CompiledModelHandle compiled;
};

// The observer, the delegates and the executed model must outlive the compiled one. `compiled_before` is what an NPU's
// compiler has made of the same model for the same NPU, or null. Throws Error when the runtime can't compile the model
// whatever the delegates, DelegateError when they are the reason.
Compilation compile_model(const std::shared_ptr<const Model>& model, const CompileOptions& options,
                          GraphObserver& observer, DelegateRegistry& delegates,
                          const std::shared_ptr<const Model>& compiled_before);

}  // namespace zerolite

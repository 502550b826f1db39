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
  std::shared_ptr<const Model> program;
  CompiledModelHandle compiled;
};

// The observer, the delegates and the program must outlive the compiled model. A program may have been made before, of
// the same model with the same NPU. Throws Error when the runtime can't compile the model whatever the delegates,
// DelegateError when they are the reason.
Compilation compile_model(const std::shared_ptr<const Model>& model, const CompileOptions& options,
                          GraphObserver& observer, DelegateSlots& delegates,
                          const std::shared_ptr<const Model>& program_made_before);

}  // namespace zerolite

// Making compiled models that Python owns.
#pragma once

#include <memory>

#include "zerolite/inference/compiled_model.hpp"

namespace zerolite::bindings {

// A compiled model whose default signature is prepared. It may be let go with or without the GIL: it is destroyed
// without, for that can take a while and may wait for the runtime's threads. To be called without the GIL.
std::shared_ptr<CompiledModel> compile(std::shared_ptr<const Model> model, const CompileOptions& options);
// Likewise a replica.
std::shared_ptr<CompiledModel> compile(const CompiledModel& original, const CompileOptions& options);

}  // namespace zerolite::bindings

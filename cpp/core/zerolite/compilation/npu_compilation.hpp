// What a vendor's compiler makes of a model: a model again, with DISPATCH_OP in the place of the operators that the NPU
// runs, and the NPU's program behind the FlatBuffer.
//
// LiteRT 2.3.0 compiles and runs in one go, and does not show the graph that it has compiled. But it writes the
// compiled model to a directory, and can load it from there like any other model. So a model is compiled into a
// directory of ours and read from it, and a file describes what runs, as always.
#pragma once

#include <memory>
#include <string>

#include "zerolite/delegates/npu_delegate.hpp"
#include "zerolite/model/model.hpp"

namespace zerolite {

// For whom the model was compiled, as in "an NPU (Qualcomm)"; empty for one that was not.
std::string npu_of_compiled_model(const Model& model);

// Compiles the model, or takes what the cache has of it; gives the model itself when the compiler knows no operator of
// it. Throws DelegateError with the vendor's message, and FileError for the cache.
std::shared_ptr<const Model> compile_for_npu(const std::shared_ptr<const Model>& model, const NpuSettings& settings);

}  // namespace zerolite

// A kernel in a library of its own, by TensorFlow Lite's C ABI.
#pragma once

#include <string>

#include "litert_abi/tflite.hpp"

namespace zerolite {

// Opens the library, which stays open, and asks for its kernel: `symbol` names a function without parameters that
// returns a TfLiteRegistration. Members that were added to it after its `version` are left out, since a library that
// was built before does not have them. Throws Error.
abi::tflite::Registration library_kernel(const std::string& name, const std::string& library,
                                         const std::string& symbol);

}  // namespace zerolite

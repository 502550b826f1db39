// What travels in a model's options to those in the runtime who look for it under an identifier.
#pragma once

#include <memory>

#include "litert_abi/types.hpp"

namespace zerolite {

// The runtime calls the deleter when the options go.
using OpaqueOptions = std::unique_ptr<void, void (*)(void*)>;

void add_opaque_options(abi::Options options, const char* identifier, OpaqueOptions data);

}  // namespace zerolite

// What travels in a model's options to those in the runtime who look for it under an identifier.
#pragma once

#include <memory>

#include "litert_abi/types.hpp"

namespace zerolite {

// The runtime calls the deleter when the options go.
using Payload = std::unique_ptr<void, void (*)(void*)>;

void add_payload(abi::Options options, const char* identifier, Payload payload);

}  // namespace zerolite

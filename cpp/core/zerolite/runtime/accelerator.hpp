// How delegates get into the runtime: LiteRT asks the accelerators of an environment for one each, in the order of
// registration, whenever a model is compiled there.
#pragma once

#include "litert_abi/tflite.hpp"
#include "litert_abi/types.hpp"

namespace zerolite {

// Lets every model that is compiled in this environment ask for a delegate, after the accelerators that were
// registered before.
void register_accelerator(abi::Environment environment, abi::CreateDelegate* create_delegate);
// The same under the name, the version and the hardware of an accelerator of the runtime's own.
void register_accelerator(abi::Environment environment, const abi::AcceleratorDefinition& identity,
                          abi::CreateDelegate* create_delegate);

// An accelerator is the environment's and its settings are a model's, so they travel in the model's options. What is
// attached stays the caller's, and is null for a model that has nothing under this identifier.
void attach_settings(abi::Options options, const char* identifier, void* settings);
void* find_settings(abi::Options options, const char* identifier);

// Answers an accelerator's question for a delegate, which stays ours.
abi::Status lend_delegate(abi::tflite::Delegate* delegate, abi::DelegateWrapper* wrapper);

}  // namespace zerolite

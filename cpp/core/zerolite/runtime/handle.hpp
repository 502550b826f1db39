// Owns one handle of the runtime.
#pragma once

#include <memory>
#include <string>
#include <type_traits>

#include "zerolite/runtime/runtime_library.hpp"

namespace zerolite {

// `destroy` is the member of abi::Functions that gives the handle back.
template <typename Pointer, auto destroy>
struct HandleDeleter {
  using pointer = Pointer;  // NOLINT(readability-identifier-naming): where std::unique_ptr looks for it
  void operator()(Pointer handle) const { (void)(runtime().*destroy)(handle); }
};

template <typename Pointer, auto destroy>
using Handle = std::unique_ptr<std::remove_pointer_t<Pointer>, HandleDeleter<Pointer, destroy>>;

using EnvironmentHandle = Handle<abi::Environment, &abi::Functions::DestroyEnvironment>;
using ModelHandle = Handle<abi::Model, &abi::Functions::DestroyModel>;
using OptionsHandle = Handle<abi::Options, &abi::Functions::DestroyOptions>;
using CompiledModelHandle = Handle<abi::CompiledModel, &abi::Functions::DestroyCompiledModel>;
using AcceleratorHandle = Handle<abi::Accelerator, &abi::Functions::DestroyAccelerator>;
using TensorBufferHandle = Handle<abi::TensorBuffer, &abi::Functions::DestroyTensorBuffer>;

}  // namespace zerolite

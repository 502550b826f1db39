#include "zerolite/operators/library_kernel.hpp"

#include <dlfcn.h>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/shared_library.hpp"
#include "zerolite/runtime/guard.hpp"

namespace zerolite {
namespace {

using abi::tflite::Context;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Status;

// Of kernels that have nothing to prepare: their outputs keep the shapes that the file gives them.
Status prepare_nothing(Context* /*context*/, Node* /*node*/) { return Status::ok; }

}  // namespace

Registration library_kernel(const std::string& name, const std::string& library, const std::string& symbol) {
  const std::string subject = "the custom operator " + name + ": the library " + library;
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw Error(subject + " can't be opened (" + loader_error() +
                "); pass the path of a library that was built for this machine");
  }
  auto* const get = reinterpret_cast<const Registration* (*)()>(dlsym(handle, symbol.c_str()));
  if (get == nullptr) {
    throw Error(subject + " has no function " + symbol + "; declare it extern \"C\" as `TfLiteRegistration* " + symbol +
                "(void)`, and export it, or name the function that the library has with symbol=");
  }
  const Registration* given = guard([get] { return get(); });
  if (given == nullptr || given->invoke == nullptr) {
    throw Error(subject + " gave " + (given == nullptr ? "nothing" : "a registration without invoke") + " from " +
                symbol + "; return a TfLiteRegistration whose invoke computes the operator");
  }
  Registration registration{};
  registration.init = given->init;
  registration.free = given->free;
  registration.prepare = given->prepare == nullptr ? &prepare_nothing : given->prepare;
  registration.invoke = given->invoke;
  registration.profiling_string = given->profiling_string;
  return registration;
}

}  // namespace zerolite

#include "zerolite/delegate_library.hpp"

#include <dlfcn.h>

#include "zerolite/error.hpp"

namespace zerolite {

DelegateLibrary::DelegateLibrary(const std::string& path) : handle_(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ != nullptr) return;
  const char* words = ::dlerror();
  throw DelegateError("the delegate's library " + path + " can't be opened" +
                      (words == nullptr ? "" : std::string(": ") + words));
}

DelegateLibrary::~DelegateLibrary() { (void)::dlclose(handle_); }

bool DelegateLibrary::makes_delegates() const { return ::dlsym(handle_, "tflite_plugin_create_delegate") != nullptr; }

}  // namespace zerolite

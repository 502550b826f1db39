#include "zerolite/platform/shared_library.hpp"

#include <dlfcn.h>

namespace zerolite {

std::string loader_error() {
  const char* message = dlerror();
  return message == nullptr ? "unknown reason" : message;
}

std::string missing_symbol(const std::optional<std::string>& library, const std::string& symbol) {
  void* handle = library ? dlopen(library->c_str(), RTLD_NOW | RTLD_LOCAL) : RTLD_DEFAULT;
  if (library && handle == nullptr) return loader_error();
  (void)dlerror();
  (void)dlsym(handle, symbol.c_str());
  const char* message = dlerror();
  return message == nullptr ? "" : message;
}

}  // namespace zerolite

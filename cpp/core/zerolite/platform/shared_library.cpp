#include "zerolite/platform/shared_library.hpp"

#include <dlfcn.h>

namespace zerolite {

std::string loader_error() {
  const char* words = dlerror();
  return words == nullptr ? "unknown reason" : words;
}

}  // namespace zerolite

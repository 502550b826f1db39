// Why the loader could not open a library.
#pragma once

#include <string>

namespace zerolite {

// The loader's own words for what failed last on this thread.
std::string loader_error();

}  // namespace zerolite

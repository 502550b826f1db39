// Which runtime the tests open.
#pragma once

#include <filesystem>

namespace zerolite::tests {

// The library that ZEROLITE_RUNTIME names, or else the one that CMake was given in ZEROLITE_TEST_RUNTIME. An executable
// that links this opens it before its tests.
std::filesystem::path runtime_path();

}  // namespace zerolite::tests

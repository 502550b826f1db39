#include "support/runtime_environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

#include "zerolite/runtime/runtime_library.hpp"

namespace zerolite::tests {
namespace {

class RuntimeEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    // Not an assertion: GoogleTest would skip the tests after it, and ctest count them as passed.
    if (runtime_path().empty()) {
      throw std::invalid_argument("configure with -DZEROLITE_TEST_RUNTIME=<path of libLiteRt.so>");
    }
    RuntimeLibrary::open(runtime_path());
  }
};

// GoogleTest owns it.
// NOLINTNEXTLINE(bugprone-throwing-static-initialization): without memory for this no test could run
[[maybe_unused]] const testing::Environment* const kRuntime = testing::AddGlobalTestEnvironment(new RuntimeEnvironment);

}  // namespace

std::filesystem::path runtime_path() {
  const char* named = std::getenv("ZEROLITE_RUNTIME");
  return named == nullptr || *named == '\0' ? ZEROLITE_TEST_RUNTIME : named;
}

}  // namespace zerolite::tests

#include "zerolite/runtime/runtime_library.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "support/runtime_environment.hpp"
#include "support/temporary_directory.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

TEST(RuntimeLibraryTest, ResolvesEveryFunction) {
  const abi::Functions& functions = RuntimeLibrary::get().functions();
#define LITERT_FUNCTION(result, name, parameters) EXPECT_NE(functions.name, nullptr) << #name;
#define LITERT_INNER_FUNCTION LITERT_FUNCTION
#include "litert_abi/functions.def"
#undef LITERT_INNER_FUNCTION
#undef LITERT_FUNCTION
}

TEST(RuntimeLibraryTest, IsOpenedOnce) {
  const RuntimeLibrary& library = RuntimeLibrary::get();
  EXPECT_EQ(library.path(), runtime_path());
  EXPECT_EQ(&RuntimeLibrary::open(runtime_path()), &library);
}

TEST(RuntimeLibraryTest, TakesAnotherPathOfTheSameFile) {
  const TemporaryDirectory directory;
  std::filesystem::create_symlink(runtime_path(), directory.path() / "link.so");
  EXPECT_EQ(&RuntimeLibrary::open(directory.path() / "link.so"), &RuntimeLibrary::get());
}

TEST(RuntimeLibraryTest, IsNotExchanged) {
  for (const char* other : {ZEROLITE_INCOMPLETE_RUNTIME, "/missing/libLiteRt.so"}) {
    try {
      RuntimeLibrary::open(other);
      FAIL() << other << " was opened as well";
    } catch (const RuntimeLibraryError& error) {
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr(runtime_path().string()), testing::HasSubstr(other)));
    }
  }
}

TEST(RuntimeLibraryTest, CapturesItsMessages) { EXPECT_TRUE(RuntimeLibrary::get().captures_log()); }

TEST(RuntimeLibraryTest, EveryStatusHasWords) {
  std::set<std::string_view> descriptions;
  int statuses = 0;
  for (int value = 0; value < 6000; ++value) {
    const std::string_view description = describe(static_cast<abi::Status>(value));
    EXPECT_FALSE(description.empty()) << value;
    if (description == "unknown failure") continue;
    descriptions.insert(description);
    ++statuses;
  }
  EXPECT_EQ(descriptions.size(), static_cast<std::size_t>(statuses)) << "two statuses are described alike";
  EXPECT_EQ(describe(static_cast<abi::Status>(-1)), "unknown failure");
}

}  // namespace
}  // namespace zerolite::tests

// An executable of its own: a process in which no runtime has been opened.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace zerolite::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string error_of_opening(const std::filesystem::path& path) {
  try {
    RuntimeLibrary::open(path);
  } catch (const RuntimeLibraryError& error) {
    return error.what();
  }
  return "it was opened";
}

TEST(LibraryRefusalTest, SaysThatNothingIsThere) {
  EXPECT_THAT(error_of_opening("/missing/libLiteRt.so"),
              AllOf(HasSubstr("/missing/libLiteRt.so"), HasSubstr("No such file"), HasSubstr("pip install")));
}

TEST(LibraryRefusalTest, SaysThatAFileIsNoLibrary) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("zerolite-no-library-" + std::to_string(::getpid()) + ".so");
  std::ofstream(path) << "this is no library, and long enough to have an ELF header in it if it were one";
  const std::string error = error_of_opening(path);
  std::filesystem::remove(path);
  EXPECT_THAT(error, AllOf(HasSubstr(path.string()), HasSubstr("can't be opened"), HasSubstr("ELF")));
}

TEST(LibraryRefusalTest, SaysThatADirectoryIsNoLibrary) {
  EXPECT_THAT(error_of_opening("/"), HasSubstr("can't be opened"));
}

TEST(LibraryRefusalTest, NamesTheSymbolThatIsMissing) {
  // It has LiteRtCreateEnvironment, so the first that it lacks is the next one of the list.
  EXPECT_THAT(error_of_opening(ZEROLITE_INCOMPLETE_RUNTIME),
              AllOf(HasSubstr(ZEROLITE_INCOMPLETE_RUNTIME), HasSubstr("has no symbol LiteRtDestroyEnvironment"),
                    HasSubstr("pip install")));
}

TEST(LibraryRefusalTest, SaysThatNoneIsOpen) {
  EXPECT_THROW((void)RuntimeLibrary::get(), RuntimeLibraryError);
  (void)error_of_opening("/missing/libLiteRt.so");
  EXPECT_THROW((void)RuntimeLibrary::get(), RuntimeLibraryError) << "a failure must not leave half a library behind";
}

TEST(LibraryRefusalTest, SaysThatALibraryDoesNotWriteToStderr) {
  void* library = ::dlopen(ZEROLITE_INCOMPLETE_RUNTIME, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr);
  EXPECT_FALSE(runtime_log::redirect(library));
}

}  // namespace
}  // namespace zerolite::tests

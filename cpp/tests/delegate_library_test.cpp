#include "zerolite/delegate_library.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "zerolite/error.hpp"

namespace zerolite::tests {
namespace {

TEST(DelegateLibraryTest, SaysWhatIsWrongWithALibrary) {
  try {
    const DelegateLibrary library("/nowhere/libdelegate.so");
    FAIL() << "opened";
  } catch (const DelegateError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/nowhere/libdelegate.so"));
  }
  EXPECT_THROW(DelegateLibrary{ZEROLITE_TEST_MODELS "/dense_2layer.tflite"}, DelegateError);
}

TEST(DelegateLibraryTest, TellsWhetherALibraryMakesDelegates) {
  EXPECT_FALSE(DelegateLibrary(ZEROLITE_TALKATIVE_LIBRARY).makes_delegates());
}

}  // namespace
}  // namespace zerolite::tests

#include "zerolite/platform/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace zerolite::tests {
namespace {

TEST(FileErrorTest, NamesTheFileAndTheReason) {
  const FileError error(ENOENT, "/models/missing.tflite");
  EXPECT_EQ(error.error_number(), ENOENT);
  EXPECT_EQ(error.path(), "/models/missing.tflite");
  EXPECT_THAT(error.what(),
              testing::AllOf(testing::HasSubstr("/models/missing.tflite"), testing::HasSubstr("No such file")));
}

}  // namespace
}  // namespace zerolite::tests

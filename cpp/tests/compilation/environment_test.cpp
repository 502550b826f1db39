#include "zerolite/compilation/environment.hpp"

#include <gtest/gtest.h>

#include "support/test_models.hpp"

namespace zerolite::tests {
namespace {

TEST(EnvironmentTest, IsOneForTheProcess) {
  EXPECT_NE(Environment::cpu().handle(), nullptr);
  EXPECT_EQ(&Environment::cpu(), &Environment::cpu());
}

TEST(EnvironmentTest, LogLevelsComeAndGo) {
  for (const LogLevel level : {LogLevel::verbose, LogLevel::error, LogLevel::silent}) {
    EXPECT_NO_THROW(Environment::set_runtime_log_level(level));
    EXPECT_NO_THROW((void)compile("dense_2layer"));
  }
}

TEST(EnvironmentTest, SaysNothingOnItsOwn) {
  testing::internal::CaptureStderr();
  (void)compile("dense_2layer")->signature(0);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace zerolite::tests

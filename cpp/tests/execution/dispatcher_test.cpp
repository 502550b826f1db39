#include "zerolite/execution/dispatcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::HasSubstr;

TEST(DispatcherTest, AKernelThatFailsIsSaidWithTheRuntimesWords) {
  const std::unique_ptr<CompiledModel> model = compile("integer_division");
  SignatureRunner& runner = model->signature(0);
  const std::size_t divisor = position_of(runner, Side::input, "y");
  fill_inputs(runner, 1);
  runner.run();
  const Result before = result_of(runner);
  // As a regular run and as a direct one.
  for (int attempt = 0; attempt < 4; ++attempt) {
    std::ranges::fill(values<std::int32_t>(runner, Side::input, divisor), 0);
    try {
      runner.run();
      FAIL() << "a division by zero went through";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("serving_default"), HasSubstr("failed: ")));
    }
    fill_inputs(runner, 1);
    runner.run();
    EXPECT_EQ(result_of(runner), before);
  }
}

TEST(DispatcherTest, AFirstRunThatFailsIsFollowedByOthers) {
  const std::unique_ptr<CompiledModel> model = compile("integer_division");
  SignatureRunner& runner = model->signature(0);
  EXPECT_THROW(runner.run(), Error) << "the memory is full of zeros";
  fill_inputs(runner, 1);
  runner.run();
  EXPECT_TRUE(runner.dispatch().direct) << runner.dispatch().reason;
}

}  // namespace
}  // namespace zerolite::tests

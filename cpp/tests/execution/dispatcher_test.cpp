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

// Due after it was asked a number of times.
class CountedInterruption : public Interruption {
 public:
  explicit CountedInterruption(int times) : left_(times) {}
  [[nodiscard]] bool is_due() noexcept override {
    if (left_ > 0) --left_;
    return left_ == 0;
  }
  [[nodiscard]] int left() const { return left_; }

 private:
  int left_;
};

// 40 operators, 15 operators and partitions, a loop, and outputs whose shapes only a run tells.
class InterruptionTest : public testing::TestWithParam<const char*> {};

TEST_P(InterruptionTest, EndsARunBetweenTwoNodes) {
  const std::unique_ptr<CompiledModel> original = compile(GetParam());
  fill_inputs(original->signature(0), 3);
  original->signature(0).run();
  const Result expected = result_of(original->signature(0));
  constexpr int kNever = 1'000'000;
  for (const int runs_before : {0, 1, 2, 7}) {
    const std::unique_ptr<CompiledModel> model = compile(GetParam());
    SignatureRunner& runner = model->signature(0);
    fill_inputs(runner, 3);
    for (int i = 0; i < runs_before; ++i) runner.run();
    // The first one may be compared with a direct run, which asks as often again.
    for (int i = 0; i < 2; ++i) {
      CountedInterruption compared(kNever);
      runner.run(compared);
      EXPECT_EQ(result_of(runner), expected);
    }
    CountedInterruption never(kNever);
    runner.run(never);
    const int asked = kNever - never.left();
    EXPECT_GE(asked, 2);
    for (const int times : {1, 2, asked}) {
      CountedInterruption interruption(times);
      EXPECT_THROW(runner.run(interruption), Error) << GetParam() << " after " << times << " of " << asked;
      fill_inputs(runner, 3);
      runner.run();
      EXPECT_EQ(result_of(runner), expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, InterruptionTest,
                         testing::Values("builtin_chain", "mixed_chain", "while_loop", "dynamic_after_dense"));

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

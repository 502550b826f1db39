#include "zerolite/execution/signature_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/aligned_buffer.hpp"

namespace zerolite::tests {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(SignatureRunnerTest, TellsItsTensors) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  const SignatureRunner& runner = model->signature(0);
  EXPECT_EQ(runner.count(Side::input), 1U);
  EXPECT_EQ(runner.count(Side::output), 1U);
  const TensorSpec input = runner.spec(Side::input, 0);
  EXPECT_EQ(input.name, "features");
  EXPECT_THAT(input.shape, ElementsAre(1, 64));
  EXPECT_THAT(input.shape_signature, ElementsAre(-1, 64));
  EXPECT_EQ(runner.binding(Side::input, 0).size(), 256U);
  EXPECT_TRUE(is_aligned(runner.binding(Side::input, 0).data()));
  EXPECT_TRUE(is_aligned(runner.binding(Side::output, 0).data()));
}

TEST(SignatureRunnerTest, RunsAgainAndAgain) {
  const std::unique_ptr<CompiledModel> model = compile("small_cnn");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> first = run_with(runner, 1);
  const std::vector<float> second = run_with(runner, 2);
  EXPECT_NE(first, second);
  EXPECT_NEAR(std::accumulate(first.begin(), first.end(), 0.0F), 1, 1e-5) << "probabilities of ten classes";
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(run_with(runner, 1), first);
    EXPECT_EQ(run_with(runner, 2), second);
  }
  EXPECT_TRUE(runner.is_direct());
}

TEST(SignatureRunnerTest, PassesThrough) {
  for (const char* name : {"passthrough", "passthrough_only"}) {
    const std::unique_ptr<CompiledModel> model = compile(name);
    SignatureRunner& runner = model->signature(0);
    for (unsigned round = 0; round < 4; ++round) {
      fill_inputs(runner, round);
      const std::span<float> input = values<float>(runner, Side::input, 0);
      const std::vector<float> expected(input.begin(), input.end());
      runner.run();
      EXPECT_EQ(output<float>(runner, position_of(runner, Side::output, "same")), expected) << name;
    }
  }
}

TEST(SignatureRunnerTest, KeepsVariables) {
  const std::unique_ptr<CompiledModel> model = compile("counter");
  SignatureRunner& runner = model->signature(0);
  std::ranges::fill(values<float>(runner, Side::input, 0), 2.0F);
  for (int run = 1; run <= 5; ++run) {
    runner.run();
    EXPECT_THAT(output<float>(runner), Each(2.0F * static_cast<float>(run)));
  }
}

TEST(SignatureRunnerTest, SharesVariablesBetweenSignatures) {
  const std::unique_ptr<CompiledModel> model = compile("counter_two_signatures");
  const auto& signatures = model->interface().signatures;
  const auto index = [&](std::string_view key) {
    return static_cast<std::size_t>(std::ranges::find(signatures, key, &SignatureDescription::key) -
                                    signatures.begin());
  };
  for (int run = 1; run <= 3; ++run) {
    SignatureRunner& add = model->signature(index("add"));
    std::ranges::fill(values<float>(add, Side::input, 0), 1.0F);
    add.run();
    SignatureRunner& read = model->signature(index("read"));
    read.run();
    EXPECT_THAT(output<float>(read), Each(static_cast<float>(run)));
  }
}

TEST(SignatureRunnerTest, SignaturesOfOneSubgraphTakeTurns) {
  const std::unique_ptr<CompiledModel> model = compile("two_signatures_one_subgraph");
  for (int turn = 0; turn < 4; ++turn) {
    for (std::size_t index = 0; index < 2; ++index) {
      const float value = static_cast<float>(10 * turn) + static_cast<float>(index);
      SignatureRunner& runner = model->signature(index);
      std::ranges::fill(values<float>(runner, Side::input, 0), value);
      std::ranges::fill(values<float>(runner, Side::input, 1), 100.0F);
      for (int run = 0; run < 3; ++run) runner.run();
      EXPECT_THAT(output<float>(runner), Each(value + 100));
    }
    EXPECT_NE(model->signature(0).binding(Side::output, 0).data(), model->signature(1).binding(Side::output, 0).data());
  }
}

TEST(SignatureRunnerTest, RefusesTypesThatCanNotBePassed) {
  const std::unique_ptr<CompiledModel> model = compile("hashtable");
  EXPECT_NO_THROW((void)model->signature(0)) << "a resource inside is no matter";
}

}  // namespace
}  // namespace zerolite::tests

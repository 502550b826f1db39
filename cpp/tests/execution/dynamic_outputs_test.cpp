#include "zerolite/execution/dynamic_outputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "support/observed_model.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::ElementsAre;

TEST(DynamicOutputsTest, OccurWhereOnlyARunTellsAShape) {
  for (const char* name : {"where", "unique", "runtime_range", "growing_loop"}) {
    ObservedModel model(name);
    EXPECT_TRUE(model.runner().has_dynamic_outputs()) << name;
  }
  for (const char* name : {"dense_2layer", "builtin_chain", "passthrough_only", "rank_9"}) {
    ObservedModel model(name);
    EXPECT_FALSE(model.runner().has_dynamic_outputs()) << name;
  }
}

TEST(DynamicOutputsTest, GrowAndShrinkFromRunToRun) {
  const std::unique_ptr<CompiledModel> model = compile("runtime_range");
  SignatureRunner& runner = model->signature(0);
  for (const std::int32_t limit : {3, 1, 100'000, 0, 7, 7, 50'000, 2}) {
    values<std::int32_t>(runner, Side::input, 0).front() = limit;
    runner.run();
    std::vector<std::int32_t> expected(static_cast<std::size_t>(limit));
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_THAT(runner.slot(Side::output, 0).shape(), ElementsAre(limit));
    EXPECT_EQ(output<std::int32_t>(runner), expected);
  }
}

TEST(DynamicOutputsTest, HoldWhatWasFound) {
  const std::unique_ptr<CompiledModel> model = compile("where");
  SignatureRunner& runner = model->signature(0);
  const std::vector<std::vector<float>> inputs = {
      {1, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 1}, {1, 0, 0, 0, 0, 0}};
  for (const std::vector<float>& input : inputs) {
    std::ranges::copy(input, values<float>(runner, Side::input, 0).begin());
    runner.run();
    std::vector<std::int64_t> hits;
    for (std::size_t i = 0; i < input.size(); ++i) {
      if (input[i] > 0) hits.push_back(static_cast<std::int64_t>(i));
    }
    EXPECT_EQ(output<std::int64_t>(runner), hits);
    EXPECT_THAT(runner.slot(Side::output, 0).shape(), ElementsAre(hits.size(), 1));
  }
}

TEST(DynamicOutputsTest, ViewsOfEarlierRunsKeepTheirValues) {
  const std::unique_ptr<CompiledModel> model = compile("runtime_range");
  SignatureRunner& runner = model->signature(0);
  values<std::int32_t>(runner, Side::input, 0).front() = 3;
  runner.run();
  const std::shared_ptr<void> owner = runner.slot(Side::output, 0).owner();
  const std::span<std::int32_t> before = values<std::int32_t>(runner, Side::output, 0);
  values<std::int32_t>(runner, Side::input, 0).front() = 5;
  runner.run();
  EXPECT_THAT(before, ElementsAre(0, 1, 2));
}

TEST(DynamicOutputsTest, AStaticOutputBesideADynamicOneKeepsItsMemory) {
  const std::unique_ptr<CompiledModel> model = compile("unique");
  SignatureRunner& runner = model->signature(0);
  const auto run = [&](std::initializer_list<std::int32_t> input) {
    std::ranges::copy(input, values<std::int32_t>(runner, Side::input, 0).begin());
    runner.run();
  };
  run({5, 5, 5, 5, 5, 5, 5, 5});
  EXPECT_THAT(runner.slot(Side::output, 0).shape(), testing::AnyOf(ElementsAre(1), ElementsAre(8)));
  run({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(runner.slot(Side::output, 0).shape(), ElementsAre(8));
  EXPECT_THAT(runner.slot(Side::output, 1).shape(), ElementsAre(8));
}

TEST(DynamicOutputsTest, SurviveARunThatFails) {
  const std::unique_ptr<CompiledModel> model = compile("runtime_reshape");
  SignatureRunner& runner = model->signature(0);
  const auto input = [&](std::string_view name) -> std::size_t {
    return runner.description().inputs[0].name == name ? 0 : 1;
  };
  const std::span<float> x = values<float>(runner, Side::input, input("x"));
  std::iota(x.begin(), x.end(), 0.0F);
  const std::vector<float> expected(x.begin(), x.end());
  const auto run = [&](std::int32_t rows) {
    values<std::int32_t>(runner, Side::input, input("rows")).front() = rows;
    runner.run();
  };
  run(3);
  EXPECT_THAT(runner.slot(Side::output, 0).shape(), ElementsAre(3, 4));
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_THROW(run(5), Error);
    run(4);
    EXPECT_THAT(runner.slot(Side::output, 0).shape(), ElementsAre(4, 3));
    EXPECT_EQ(output<float>(runner), expected);
  }
}

TEST(DynamicOutputsTest, AnswersThatNothingIsCancelled) { EXPECT_FALSE(DynamicOutputs::before_node(nullptr)); }

}  // namespace
}  // namespace zerolite::tests

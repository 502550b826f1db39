#include "zerolite/execution/deferred_outputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support/observed_model.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::ElementsAre;

std::vector<std::int32_t> outputs_of(const SignatureRunner& runner) {
  std::vector<std::int32_t> tensors;
  tensors.reserve(runner.count(Side::output));
  for (std::size_t i = 0; i < runner.count(Side::output); ++i) {
    tensors.push_back(runner.binding(Side::output, i).tensor_index());
  }
  return tensors;
}

void resize_rows(SignatureRunner& runner, std::int32_t rows) {
  std::vector<std::int32_t> shape = runner.binding(Side::input, 0).shape();
  shape[0] = rows;
  runner.resize(std::vector<ResizeRequest>{{0, std::move(shape)}});
}

TEST(DeferredOutputsTest, DynamicOnesOccurWhereOnlyARunTellsAShape) {
  for (const char* name : {"where", "unique", "runtime_range", "growing_loop"}) {
    ObservedModel model(name);
    EXPECT_TRUE(model.runner().has_dynamic_outputs()) << name;
  }
  for (const char* name : {"dense_2layer", "builtin_chain", "passthrough_only", "rank_9"}) {
    ObservedModel model(name);
    EXPECT_FALSE(model.runner().has_dynamic_outputs()) << name;
  }
}

TEST(DeferredOutputsTest, DynamicOnesGrowAndShrinkFromRunToRun) {
  const std::unique_ptr<CompiledModel> model = compile("runtime_range");
  SignatureRunner& runner = model->signature(0);
  for (const std::int32_t limit : {3, 1, 100'000, 0, 7, 7, 50'000, 2}) {
    values<std::int32_t>(runner, Side::input, 0).front() = limit;
    runner.run();
    std::vector<std::int32_t> expected(static_cast<std::size_t>(limit));
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_THAT(runner.binding(Side::output, 0).shape(), ElementsAre(limit));
    EXPECT_EQ(output<std::int32_t>(runner), expected);
  }
}

TEST(DeferredOutputsTest, DynamicOnesHoldWhatWasFound) {
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
    EXPECT_THAT(runner.binding(Side::output, 0).shape(), ElementsAre(hits.size(), 1));
  }
}

TEST(DeferredOutputsTest, ViewsOfEarlierRunsKeepTheirValues) {
  const std::unique_ptr<CompiledModel> model = compile("runtime_range");
  SignatureRunner& runner = model->signature(0);
  values<std::int32_t>(runner, Side::input, 0).front() = 3;
  runner.run();
  const std::shared_ptr<void> owner = runner.binding(Side::output, 0).owner();
  const std::span<std::int32_t> before = values<std::int32_t>(runner, Side::output, 0);
  values<std::int32_t>(runner, Side::input, 0).front() = 5;
  runner.run();
  EXPECT_THAT(before, ElementsAre(0, 1, 2));
}

TEST(DeferredOutputsTest, AStaticOutputBesideADynamicOneKeepsItsMemory) {
  const std::unique_ptr<CompiledModel> model = compile("unique");
  SignatureRunner& runner = model->signature(0);
  const auto run = [&](std::initializer_list<std::int32_t> input) {
    std::ranges::copy(input, values<std::int32_t>(runner, Side::input, 0).begin());
    runner.run();
  };
  run({5, 5, 5, 5, 5, 5, 5, 5});
  EXPECT_THAT(runner.binding(Side::output, 0).shape(), testing::AnyOf(ElementsAre(1), ElementsAre(8)));
  run({1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(runner.binding(Side::output, 0).shape(), ElementsAre(8));
  EXPECT_THAT(runner.binding(Side::output, 1).shape(), ElementsAre(8));
}

TEST(DeferredOutputsTest, DynamicOnesSurviveARunThatFails) {
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
  EXPECT_THAT(runner.binding(Side::output, 0).shape(), ElementsAre(3, 4));
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_THROW(run(5), Error);
    run(4);
    EXPECT_THAT(runner.binding(Side::output, 0).shape(), ElementsAre(4, 3));
    EXPECT_EQ(output<float>(runner), expected);
  }
}

TEST(DeferredOutputsTest, LateOnesOccurUntilTheFirstRun) {
  // A RESHAPE in the middle, after which nothing is prepared before the run comes there.
  ObservedModel model("small_cnn");
  SignatureRunner runner = model.runner();
  for (const std::int32_t rows : {8, 1, 32}) {
    resize_rows(runner, rows);
    EXPECT_TRUE(DeferredOutputs::has_late(model.graph(), outputs_of(runner))) << rows;
    for (int run = 0; run < 3; ++run) {
      fill_inputs(runner, 1);
      runner.run();
      EXPECT_FALSE(DeferredOutputs::has_late(model.graph(), outputs_of(runner))) << rows;
      EXPECT_THAT(runner.binding(Side::output, 0).shape(), ElementsAre(rows, 10));
    }
  }
}

TEST(DeferredOutputsTest, LateOnesDoNotOccurWhereEverythingIsPrepared) {
  for (const char* name : {"dense_2layer", "builtin_chain", "delegated_chain"}) {
    ObservedModel model(name);
    SignatureRunner runner = model.runner();
    EXPECT_FALSE(DeferredOutputs::has_late(model.graph(), outputs_of(runner))) << name;
    resize_rows(runner, 5);
    EXPECT_FALSE(DeferredOutputs::has_late(model.graph(), outputs_of(runner))) << name;
  }
}

TEST(DeferredOutputsTest, LateOnesLeaveSizesAsTheyWereWhenNothingRan) {
  ObservedModel model("small_cnn");
  SignatureRunner runner = model.runner();
  resize_rows(runner, 8);
  const std::vector<std::int32_t> outputs = outputs_of(runner);
  const std::size_t bytes = model.graph().tensor(outputs[0]).bytes;
  {
    const DeferredOutputs late(model.graph(), outputs, DeferredOutputs::Kind::late);
    EXPECT_EQ(model.graph().tensor(outputs[0]).bytes, 0);
  }
  EXPECT_EQ(model.graph().tensor(outputs[0]).bytes, bytes);
  EXPECT_TRUE(DeferredOutputs::has_late(model.graph(), outputs));
}

// For AddressSanitizer: the runtime does not check the size of a buffer that is registered for such an output.
TEST(DeferredOutputsTest, LateOnesGrowAndShrinkWithinTheirMemory) {
  for (const char* name : {"small_cnn", "small_mobilenet", "small_cnn_int8", "small_cnn_dynamic_range"}) {
    for (const bool direct_allowed : {true, false}) {
      ObservedModel model(name);
      SignatureRunner runner = model.runner(direct_allowed);
      Result once;
      for (const std::int32_t rows : {1, 8, 1, 32, 1, 2, 40, 3}) {
        resize_rows(runner, rows);
        fill_inputs(runner, 1);
        for (int run = 0; run < 3; ++run) runner.run();
        EXPECT_EQ(runner.binding(Side::output, 0).shape().front(), rows) << name;
        if (rows != 1) continue;
        if (once.shapes.empty()) once = result_of(runner);
        EXPECT_EQ(result_of(runner), once) << name << ": the same as before the resize";
      }
    }
  }
}

TEST(DeferredOutputsTest, RowsDoNotDependOnHowManyThereAre) {
  ObservedModel model("small_cnn");
  SignatureRunner runner = model.runner();
  resize_rows(runner, 16);
  fill_inputs(runner, 3);
  const std::span<float> many = values<float>(runner, Side::input, 0);
  const std::vector<float> inputs(many.begin(), many.end());
  runner.run();
  const std::vector<float> expected = output<float>(runner);
  resize_rows(runner, 1);
  for (std::size_t row = 0; row < 16; ++row) {
    std::ranges::copy(std::span(inputs).subspan(row * 784, 784), values<float>(runner, Side::input, 0).begin());
    runner.run();
    EXPECT_TRUE(std::ranges::equal(output<float>(runner), std::span(expected).subspan(row * 10, 10))) << row;
  }
}

TEST(DeferredOutputsTest, TheFirstRunAfterAResizeFillsBoundMemory) {
  ObservedModel model("small_cnn");
  SignatureRunner runner = model.runner();
  resize_rows(runner, 4);
  fill_inputs(runner, 2);
  runner.run();
  const std::vector<float> expected = output<float>(runner);
  resize_rows(runner, 1);
  resize_rows(runner, 4);
  ASSERT_EQ(runner.binding(Side::output, 0).size(), expected.size() * sizeof(float));
  const auto bound = std::make_shared<std::vector<float>>(expected.size() + 32);
  void* place = bound->data();
  std::size_t space = bound->size() * sizeof(float);
  ASSERT_NE(std::align(64, expected.size() * sizeof(float), place, space), nullptr);
  runner.bind(Side::output, 0, static_cast<std::byte*>(place), bound);
  fill_inputs(runner, 2);
  for (int run = 0; run < 3; ++run) {
    runner.run();
    EXPECT_TRUE(std::ranges::equal(std::span(static_cast<float*>(place), expected.size()), expected)) << run;
    EXPECT_TRUE(runner.binding(Side::output, 0).is_bound());
  }
}

TEST(DeferredOutputsTest, AnswersThatNothingIsCancelled) { EXPECT_FALSE(DeferredOutputs::before_node(nullptr)); }

}  // namespace
}  // namespace zerolite::tests

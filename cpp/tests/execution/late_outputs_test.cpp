#include "zerolite/execution/late_outputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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
    tensors.push_back(runner.slot(Side::output, i).tensor_index());
  }
  return tensors;
}

void resize_rows(SignatureRunner& runner, std::int32_t rows) {
  std::vector<std::int32_t> shape = runner.slot(Side::input, 0).shape();
  shape[0] = rows;
  runner.resize(std::vector<ResizeRequest>{{0, std::move(shape)}});
}

TEST(LateOutputsTest, OccurUntilTheFirstRun) {
  // A RESHAPE in the middle, after which nothing is prepared before the run comes there.
  ObservedModel model("small_cnn");
  SignatureRunner runner = model.runner();
  for (const std::int32_t rows : {8, 1, 32}) {
    resize_rows(runner, rows);
    EXPECT_TRUE(LateOutputs::occur_in(model.graph(), outputs_of(runner))) << rows;
    for (int run = 0; run < 3; ++run) {
      fill_inputs(runner, 1);
      runner.run();
      EXPECT_FALSE(LateOutputs::occur_in(model.graph(), outputs_of(runner))) << rows;
      EXPECT_THAT(runner.slot(Side::output, 0).shape(), ElementsAre(rows, 10));
    }
  }
}

TEST(LateOutputsTest, DoNotOccurWhereEverythingIsPrepared) {
  for (const char* name : {"dense_2layer", "builtin_chain", "delegated_chain"}) {
    ObservedModel model(name);
    SignatureRunner runner = model.runner();
    EXPECT_FALSE(LateOutputs::occur_in(model.graph(), outputs_of(runner))) << name;
    resize_rows(runner, 5);
    EXPECT_FALSE(LateOutputs::occur_in(model.graph(), outputs_of(runner))) << name;
  }
}

TEST(LateOutputsTest, LeaveSizesAsTheyWereWhenNothingRan) {
  ObservedModel model("small_cnn");
  SignatureRunner runner = model.runner();
  resize_rows(runner, 8);
  const std::vector<std::int32_t> outputs = outputs_of(runner);
  const std::size_t bytes = model.graph().tensor(outputs[0]).bytes;
  {
    const LateOutputs late(model.graph(), outputs);
    EXPECT_EQ(model.graph().tensor(outputs[0]).bytes, 0);
  }
  EXPECT_EQ(model.graph().tensor(outputs[0]).bytes, bytes);
  EXPECT_TRUE(LateOutputs::occur_in(model.graph(), outputs));
}

// For AddressSanitizer: the runtime does not check the size of a buffer that is registered for such an output.
TEST(LateOutputsTest, GrowAndShrinkWithinTheirMemory) {
  for (const char* name : {"small_cnn", "small_mobilenet", "small_cnn_int8", "small_cnn_dynamic_range"}) {
    for (const bool direct_allowed : {true, false}) {
      ObservedModel model(name);
      SignatureRunner runner = model.runner(direct_allowed);
      Result once;
      for (const std::int32_t rows : {1, 8, 1, 32, 1, 2, 40, 3}) {
        resize_rows(runner, rows);
        fill_inputs(runner, 1);
        for (int run = 0; run < 3; ++run) runner.run();
        EXPECT_EQ(runner.slot(Side::output, 0).shape().front(), rows) << name;
        if (rows != 1) continue;
        if (once.shapes.empty()) once = result_of(runner);
        EXPECT_EQ(result_of(runner), once) << name << ": the same as before the resize";
      }
    }
  }
}

TEST(LateOutputsTest, RowsDoNotDependOnHowManyThereAre) {
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

TEST(LateOutputsTest, TheFirstRunAfterAResizeFillsBoundMemory) {
  ObservedModel model("small_cnn");
  SignatureRunner runner = model.runner();
  resize_rows(runner, 4);
  fill_inputs(runner, 2);
  runner.run();
  const std::vector<float> expected = output<float>(runner);
  resize_rows(runner, 1);
  resize_rows(runner, 4);
  ASSERT_EQ(runner.slot(Side::output, 0).size(), expected.size() * sizeof(float));
  const auto bound = std::make_shared<std::vector<float>>(expected.size() + 32);
  void* place = bound->data();
  std::size_t space = bound->size() * sizeof(float);
  ASSERT_NE(std::align(64, expected.size() * sizeof(float), place, space), nullptr);
  runner.bind(Side::output, 0, static_cast<std::byte*>(place), bound);
  fill_inputs(runner, 2);
  for (int run = 0; run < 3; ++run) {
    runner.run();
    EXPECT_TRUE(std::ranges::equal(std::span(static_cast<float*>(place), expected.size()), expected)) << run;
    EXPECT_TRUE(runner.slot(Side::output, 0).is_bound());
  }
}

TEST(LateOutputsTest, AnswersThatNothingIsCancelled) { EXPECT_FALSE(LateOutputs::before_node(nullptr)); }

}  // namespace
}  // namespace zerolite::tests

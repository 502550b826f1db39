#include "zerolite/execution/input_shapes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void resize(SignatureRunner& runner, std::vector<ResizeRequest> requests) { runner.resize(requests); }

TEST(InputShapesTest, ResizesThereAndBack) {
  for (const char* name : {"dense_2layer", "builtin_chain", "mixed_chain", "dense_2layer_int8"}) {
    const std::unique_ptr<CompiledModel> model = compile(name);
    SignatureRunner& runner = model->signature(0);
    fill_inputs(runner, 7);
    runner.run();
    const Result alone = result_of(runner);
    const std::int32_t columns = runner.binding(Side::input, 0).shape()[1];
    for (const std::int32_t rows : {8, 3, 64, 1}) {
      resize(runner, {{0, {rows, columns}}});
      EXPECT_FALSE(runner.dispatch().direct);
      EXPECT_EQ(runner.binding(Side::input, 0).shape()[0], rows);
      EXPECT_EQ(runner.binding(Side::output, 0).shape()[0], rows) << "outputs follow before the run";
      for (unsigned round = 7; round < 11; ++round) {
        fill_inputs(runner, round);
        runner.run();
      }
      EXPECT_TRUE(runner.dispatch().direct) << runner.dispatch().reason;
    }
    fill_inputs(runner, 7);
    runner.run();
    EXPECT_EQ(result_of(runner), alone) << name;
  }
}

TEST(InputShapesTest, ResizingToWhatItIsKeepsTheMemory) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::byte* const data = runner.binding(Side::input, 0).data();
  resize(runner, {{0, {1, 64}}});
  EXPECT_EQ(runner.binding(Side::input, 0).data(), data);
}

TEST(InputShapesTest, ViewsOutliveAResize) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  const std::shared_ptr<void> owner = runner.binding(Side::input, 0).owner();
  const std::span<float> view = values<float>(runner, Side::input, 0);
  const std::vector<float> before(view.begin(), view.end());
  resize(runner, {{0, {100, 64}}});
  EXPECT_TRUE(std::ranges::equal(view, before));
}

struct Impossible {
  std::vector<std::int32_t> shape;
  const char* message;
};

TEST(InputShapesTest, RefusesShapesThatCanNotBe) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> before = run_with(runner, 1);
  const std::vector<Impossible> impossible = {{{0, 64}, "at least 1"},
                                              {{-1, 64}, "at least 1"},
                                              {std::vector<std::int32_t>(9, 1), "to 8 dimensions"},
                                              {{2147483647, 2147483647, 2147483647}, "does not fit into memory"}};
  for (const auto& [shape, message] : impossible) {
    try {
      resize(runner, {{0, shape}});
      FAIL() << "it was resized to " << to_string(shape);
    } catch (const ValueError& error) {
      EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("'features'"), HasSubstr(message)));
    }
    EXPECT_EQ(run_with(runner, 1), before);
  }
}

TEST(InputShapesTest, AScalarStaysAScalar) {
  const std::unique_ptr<CompiledModel> model = compile("rank_0");
  SignatureRunner& runner = model->signature(0);
  EXPECT_THROW(resize(runner, {{0, {2}}}), ValueError);
  EXPECT_NO_THROW(runner.run());
}

TEST(InputShapesTest, AFailedResizeKeepsTheShapesAndTheModel) {
  const std::unique_ptr<CompiledModel> model = compile("two_inputs_three_outputs");
  SignatureRunner& first = model->signature(0);
  resize(first, {{0, {3, 4}}, {1, {3, 4}}});
  fill_inputs(first, 5);
  first.run();
  const Result before = result_of(first);
  for (int attempt = 0; attempt < 3; ++attempt) {
    // XNNPACK takes no shapes after those that it could not take, and the model makes another runner then.
    SignatureRunner& spent = model->signature(0);
    try {
      resize(spent, {{0, {2, 4}}, {1, {5, 4}}});
      FAIL() << "rows of 2 and 5 were added";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("the previous shapes are kept"));
    }
    SignatureRunner& runner = model->signature(0);
    EXPECT_THAT(runner.binding(Side::input, 0).shape(), ElementsAre(3, 4));
    EXPECT_THAT(runner.binding(Side::input, 1).shape(), ElementsAre(3, 4));
    fill_inputs(runner, 5);
    runner.run();
    EXPECT_EQ(result_of(runner), before);
  }
}

TEST(InputShapesTest, AFixedBatchIsKept) {
  const std::unique_ptr<CompiledModel> model = compile("fixed_batch");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> before = run_with(runner, 1);
  EXPECT_THROW(resize(runner, {{0, {3, 4, 4}}}), Error);
  EXPECT_THAT(runner.binding(Side::input, 0).shape(), ElementsAre(2, 4, 4));
  EXPECT_EQ(run_with(runner, 1), before);
}

}  // namespace
}  // namespace zerolite::tests

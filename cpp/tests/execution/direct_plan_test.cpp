#include "zerolite/execution/direct_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/observed_model.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"

namespace zerolite::tests {
namespace {

using testing::HasSubstr;

struct Expected {
  const char* name;
  bool direct;
  const char* reason;
};

class DispatchOf : public testing::TestWithParam<Expected> {};

TEST_P(DispatchOf, IsToldWithItsReason) {
  const std::unique_ptr<CompiledModel> model = compile(GetParam().name);
  SignatureRunner& runner = model->signature(model->interface().default_signature());
  EXPECT_FALSE(runner.dispatch().direct) << "the first run prepares the plan";
  fill_inputs(runner, 0);
  for (int run = 0; run < 3; ++run) runner.run();
  EXPECT_EQ(runner.dispatch().direct, GetParam().direct) << runner.dispatch().reason;
  EXPECT_THAT(runner.dispatch().reason, HasSubstr(GetParam().reason));
}

constexpr const char* kPrepared = "the prepared plan is called without the runtime";

INSTANTIATE_TEST_SUITE_P(
    Direct, DispatchOf,
    testing::Values(Expected{"dense_2layer", true, kPrepared}, Expected{"dense_2layer_int8", true, kPrepared},
                    Expected{"small_cnn", true, kPrepared}, Expected{"small_mobilenet_int8", true, kPrepared},
                    Expected{"delegated_chain", true, kPrepared}, Expected{"builtin_chain", true, kPrepared},
                    Expected{"mixed_chain", true, kPrepared}, Expected{"mixed_branches", true, kPrepared},
                    Expected{"many_inputs", true, kPrepared}, Expected{"rank_0", true, kPrepared},
                    Expected{"no_inputs", true, kPrepared}, Expected{"same_output_twice", true, kPrepared},
                    Expected{"no_signature", true, kPrepared}, Expected{"names_duplicate", true, kPrepared},
                    Expected{"svdf", true, kPrepared}, Expected{"sequence_lstm", true, kPrepared},
                    Expected{"zero_size", true, kPrepared}, Expected{"dtype_complex64", true, kPrepared},
                    Expected{"dtype_int4_input", true, kPrepared}),
    [](const auto& expected) { return std::string(expected.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Regular, DispatchOf,
    testing::Values(Expected{"where", false, "a shape that only a run tells"},
                    Expected{"dynamic_intermediate", false, "a shape that only a run tells"},
                    Expected{"dynamic_after_dense", false, "a shape that only a run tells"},
                    Expected{"rnn_unrolled", false, "a shape that only a run tells"},
                    Expected{"string_passthrough", false, "holds strings"},
                    Expected{"string_equal", false, "holds strings"}, Expected{"counter", false, "side effects"},
                    Expected{"conditional", false, "side effects"}, Expected{"while_loop", false, "side effects"},
                    Expected{"lstm", false, "side effects"}, Expected{"constant_output", false, "is a constant"},
                    Expected{"passthrough_only", false, "no operators"}, Expected{"detection", false, "is custom"},
                    Expected{"random_numbers", false, "random numbers"},
                    Expected{"rank_9", false, "does not use the memory"}),
    [](const auto& expected) { return std::string(expected.param.name); });

TEST(DirectPlanTest, IsRefusedByTheEnvironmentVariable) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  const RegularDispatchOnly only;
  SignatureRunner& runner = model->signature(0);
  runner.run();
  runner.run();
  EXPECT_FALSE(runner.dispatch().direct);
  EXPECT_THAT(runner.dispatch().reason, HasSubstr("ZEROLITE_DISPATCH"));
}

TEST(DirectPlanTest, AnEmptyPlanIsAnObstacle) {
  const ObservedModel model("dense_2layer");
  EXPECT_THAT(DirectPlan::unsupported_reason(model.graph(), {}, {}), HasSubstr("no operators"));
}

TEST(DirectPlanTest, MemoryThatIsNotOursIsAnObstacle) {
  ObservedModel model("dense_2layer");
  SignatureRunner runner = model.runner();
  runner.run();
  std::vector<TensorBinding> bindings;
  const std::int32_t input = model.interface().subgraphs.front().inputs.front();
  bindings.emplace_back(input, ElementType::float32).fit({1, 64}, 256);
  EXPECT_THAT(DirectPlan::unsupported_reason(model.graph(), model.graph().plan(), bindings),
              HasSubstr("does not use the memory"));
}

TEST(DirectPlanTest, RunsOverTheMemoryItIsPointedAt) {
  ObservedModel model("two_inputs_three_outputs");
  SignatureRunner runner = model.runner();
  fill_inputs(runner, 0);
  runner.run();
  const std::vector<PlannedNode> nodes = model.graph().plan();
  const std::vector<std::int32_t>& inputs = model.interface().subgraphs.front().inputs;
  std::vector<TensorBinding> bindings;
  for (const std::int32_t index : inputs) {
    TensorBinding& binding = bindings.emplace_back(index, ElementType::float32);
    binding.fit({1, 4}, 16);
  }
  DirectPlan plan(model.graph(), nodes, bindings);
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    std::ranges::fill(std::span(reinterpret_cast<float*>(bindings[i].data()), 4), static_cast<float>(i + 1));
    plan.point(i, bindings[i].data());
  }
  ASSERT_TRUE(plan.run());
  const std::vector<Result> by_plan = {result_of(runner)};
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    plan.point(i, runner.binding(Side::input, i).data());
    std::ranges::fill(values<float>(runner, Side::input, i), static_cast<float>(i + 1));
  }
  runner.run();
  EXPECT_EQ(by_plan.front(), result_of(runner));
}

// A direct run is compared with a regular one when the plan is read, and that must not count as a run.
TEST(DirectPlanTest, TheComparisonLeavesVariablesAlone) {
  ObservedModel compared("svdf");
  ObservedModel regular("svdf");
  SignatureRunner direct_runner = compared.runner(true);
  SignatureRunner regular_runner = regular.runner(false);
  for (unsigned round = 0; round < 20; ++round) {
    fill_inputs(direct_runner, round);
    fill_inputs(regular_runner, round);
    direct_runner.run();
    regular_runner.run();
    EXPECT_EQ(direct_runner.dispatch().direct, true) << direct_runner.dispatch().reason;
    EXPECT_EQ(result_of(direct_runner), result_of(regular_runner)) << round;
  }
}

}  // namespace
}  // namespace zerolite::tests

#include "zerolite/instrumentation/run_profile.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/observed_model.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/graph/graph_nodes.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

CompileOptions with_profiling() {
  CompileOptions options;
  options.profiling = true;
  return options;
}

TEST(RunProfileTest, TimesEveryNodeOfThePlanInItsOrder) {
  for (const char* name : {"mixed_chain", "small_mobilenet", "dense_2layer"}) {
    const std::unique_ptr<CompiledModel> model = compile(name, with_profiling());
    fill_inputs(model->signature(0), 1);
    for (int run = 0; run < 3; ++run) {
      const RunProfile profile = model->profile_run(0);
      const std::vector<PlannedNode> plan = model->observer().graph(0)->plan();
      ASSERT_EQ(profile.nodes.size(), plan.size()) << name;
      std::chrono::nanoseconds end{};
      for (std::size_t i = 0; i < plan.size(); ++i) {
        EXPECT_EQ(profile.nodes[i].node, plan[i].index) << name;
        EXPECT_GE(profile.nodes[i].begin, end) << name;
        end = profile.nodes[i].begin + profile.nodes[i].elapsed;
        EXPECT_EQ(profile.nodes[i].steps.empty(), plan[i].node->delegate == nullptr) << name;
      }
      EXPECT_GE(profile.elapsed, end) << name;
    }
  }
}

TEST(RunProfileTest, HasNoStepsWithoutTheRuntimesProfiler) {
  const std::unique_ptr<CompiledModel> model = compile("small_mobilenet");
  const RunProfile profile = model->profile_run(0);
  ASSERT_EQ(profile.nodes.size(), 1U);
  EXPECT_TRUE(profile.nodes.front().steps.empty());
}

TEST(RunProfileTest, NodesOfOtherGraphsLieWithinTheOneThatRunsThem) {
  const std::unique_ptr<CompiledModel> model = compile("conditional", with_profiling());
  fill_inputs(model->signature(0), 1);
  const RunProfile profile = model->profile_run(0);
  const auto inner = std::ranges::find_if(profile.nodes, [](const NodeTime& time) { return time.subgraph > 0; });
  ASSERT_NE(inner, profile.nodes.end());
  const bool within = std::ranges::any_of(profile.nodes, [&](const NodeTime& time) {
    return time.subgraph == 0 && time.begin <= inner->begin &&
           inner->begin + inner->elapsed <= time.begin + time.elapsed;
  });
  EXPECT_TRUE(within);
}

TEST(RunProfileTest, LeavesResultsAndDispatchAsTheyWere) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer", with_profiling());
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  runner.run();
  runner.run();
  const std::vector<float> expected = output<float>(runner);
  ASSERT_TRUE(runner.dispatch().direct);
  (void)model->profile_run(0);
  EXPECT_EQ(output<float>(runner), expected);
  for (int run = 0; run < 3; ++run) runner.run();
  EXPECT_TRUE(runner.dispatch().direct);
  EXPECT_EQ(output<float>(runner), expected);
}

TEST(RunProfileTest, RefusesClosedModels) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer", with_profiling());
  (void)model->close();
  EXPECT_THROW((void)model->profile_run(0), Error);
}

TEST(GraphNodesTest, NameOperatorsDelegatesAndTensors) {
  const std::unique_ptr<CompiledModel> model = compile("conditional");
  const std::vector<GraphNode> nodes = nodes_of(model->observer(), model->interface());
  std::size_t operators = 0;
  for (const GraphNode& node : nodes) {
    ASSERT_FALSE(node.operators.empty());
    ASSERT_FALSE(node.outputs.empty());
    EXPECT_EQ(name_of_tensor(model->observer(), model->interface(), node.subgraph, node.outputs.front()),
              model->interface().subgraphs[node.subgraph].tensors[static_cast<std::size_t>(node.outputs[0])].name);
    operators += node.operators.size();
  }
  std::size_t expected = 0;
  for (const SubgraphDescription& subgraph : model->interface().subgraphs) expected += subgraph.operators.size();
  EXPECT_EQ(operators, expected);
  EXPECT_TRUE(std::ranges::any_of(nodes, [](const GraphNode& node) {
    return node.delegate.empty() && node.operators == std::vector<std::string>{"IF"};
  }));
}

}  // namespace
}  // namespace zerolite::tests

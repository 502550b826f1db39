#include "zerolite/graph/captured_graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/observed_model.hpp"

namespace zerolite::tests {
namespace {

using testing::ElementsAre;

TEST(CapturedGraphTest, IsEmptyUntilItIsCaptured) { EXPECT_FALSE(CapturedGraph().is_captured()); }

TEST(CapturedGraphTest, TellsTensorsAsTheModelDescribesThem) {
  const ObservedModel model("two_inputs_three_outputs");
  const SubgraphDescription& main = model.interface().subgraphs.front();
  ASSERT_GE(model.graph().tensor_count(), main.tensors.size());
  for (const std::int32_t index : main.inputs) {
    const TensorSpec spec = model.graph().spec(index);
    const TensorDescription& expected = main.tensors[static_cast<std::size_t>(index)];
    EXPECT_EQ(spec.type, expected.type);
    EXPECT_EQ(spec.shape, expected.shape);
    EXPECT_THAT(spec.shape_signature, ElementsAre(-1, 4));
    EXPECT_FALSE(spec.quantization.has_value());
  }
}

TEST(CapturedGraphTest, TellsTheQuantizationOfAWholeTensor) {
  const ObservedModel model("quantized_add_int8");
  const TensorSpec spec = model.graph().spec(model.interface().subgraphs.front().inputs.front());
  ASSERT_TRUE(spec.quantization.has_value());
  EXPECT_EQ(spec.quantization->scales.size(), 1U);
  EXPECT_GT(spec.quantization->scales.front(), 0);
  EXPECT_EQ(spec.quantization->zero_points.size(), 1U);
}

TEST(CapturedGraphTest, TellsTheQuantizationOfChannels) {
  const ObservedModel model("per_channel_input");
  const TensorSpec spec = model.graph().spec(model.interface().subgraphs.front().inputs.front());
  ASSERT_TRUE(spec.quantization.has_value());
  const auto axis = static_cast<std::size_t>(spec.quantization->axis);
  ASSERT_LT(axis, spec.shape.size());
  EXPECT_EQ(spec.quantization->scales.size(), static_cast<std::size_t>(spec.shape[axis]));
  EXPECT_EQ(spec.quantization->zero_points.size(), spec.quantization->scales.size());
}

TEST(CapturedGraphTest, TellsThePlan) {
  ObservedModel delegated("delegated_chain");
  (void)delegated.runner();
  const std::vector<PlannedNode> one = delegated.graph().plan();
  ASSERT_EQ(one.size(), 1U);
  EXPECT_STREQ(one.front().registration->custom_name, "TfLiteXNNPackDelegate");
  EXPECT_NE(one.front().node->delegate, nullptr);

  ObservedModel builtin("builtin_chain");
  (void)builtin.runner();
  EXPECT_EQ(builtin.graph().plan().size(), builtin.interface().subgraphs.front().operators.size());
  for (const PlannedNode& node : builtin.graph().plan()) EXPECT_EQ(node.node->delegate, nullptr);
}

TEST(CapturedGraphTest, TellsAPlanWithoutNodes) {
  ObservedModel model("passthrough_only");
  (void)model.runner();
  EXPECT_TRUE(model.graph().plan().empty());
}

TEST(CapturedGraphTest, TellsScalarsAndHighRanks) {
  const ObservedModel scalar("rank_0");
  EXPECT_TRUE(scalar.graph().shape(scalar.interface().subgraphs.front().inputs.front()).empty());
  const ObservedModel high("rank_9");
  EXPECT_EQ(high.graph().shape(high.interface().subgraphs.front().inputs.front()).size(), 9U);
}

TEST(ShapeTest, IsWrittenAsPythonDoes) {
  EXPECT_EQ(to_string(std::vector<std::int32_t>{}), "()");
  EXPECT_EQ(to_string({3}), "(3,)");
  EXPECT_EQ(to_string({1, -1, 28}), "(1, -1, 28)");
}

}  // namespace
}  // namespace zerolite::tests

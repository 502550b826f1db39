#include "zerolite/graph/delegation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_models.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

TEST(DelegationTest, CountsEveryOperatorOnce) {
  for (const char* name : {"mixed_chain", "small_mobilenet", "conditional"}) {
    const std::unique_ptr<CompiledModel> model = compile(name);
    for (std::size_t subgraph = 0; subgraph < model->interface().subgraphs.size(); ++subgraph) {
      const std::optional<Delegation> delegation = model->delegation(subgraph);
      ASSERT_TRUE(delegation) << name;
      std::vector<std::size_t> all = delegation->builtin;
      for (const Partition& partition : delegation->partitions) {
        EXPECT_EQ(partition.delegate, "TfLiteXNNPackDelegate");
        all.insert(all.end(), partition.operators.begin(), partition.operators.end());
      }
      std::ranges::sort(all);
      ASSERT_THAT(all, SizeIs(model->interface().subgraphs[subgraph].operators.size())) << name;
      for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i) << name;
    }
  }
}

TEST(DelegationTest, HasNothingForSubgraphsThatAreNotThere) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  EXPECT_FALSE(model->delegation(1));
  (void)model->close();
  EXPECT_THROW((void)model->delegation(0), Error);
}

TEST(DelegationTest, WithoutFallbackTheOperatorsLeftAreNamed) {
  CompileOptions options;
  options.fallback = false;
  EXPECT_NO_THROW((void)compile("dense_2layer", options));
  EXPECT_THAT([&] { (void)compile("conditional", options); }, ThrowsMessage<DelegateError>(HasSubstr("GREATER, IF")));
}

TEST(OperatorNamesTest, AreThoseOfTheSchema) {
  EXPECT_EQ(name_of({3, "", 1}), "CONV_2D");
  EXPECT_EQ(name_of({209, "", 1}), "STABLEHLO_CASE");
  EXPECT_EQ(name_of({32, "Mine", 1}), "Mine");
  EXPECT_EQ(name_of({32, "", 1}), "CUSTOM");
  EXPECT_EQ(name_of({1000, "", 1}), "operator 1000");
  EXPECT_EQ(name_of({-1, "", 1}), "operator -1");
}

}  // namespace
}  // namespace zerolite::tests

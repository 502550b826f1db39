#include "zerolite/model/operators.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

constexpr auto kUnknown = static_cast<Operator>(-1);

TEST(OperatorsTest, HaveNames) {
  EXPECT_EQ(name_of(OperatorCode{3, "", 1}), "CONV_2D");
  EXPECT_EQ(name_of(OperatorCode{32, "", 1}), "CUSTOM");
  EXPECT_EQ(name_of(OperatorCode{32, "Mfcc", 1}), "Mfcc");
  EXPECT_EQ(name_of(OperatorCode{209, "", 1}), "STABLEHLO_CASE");
  EXPECT_EQ(name_of(OperatorCode{210, "", 1}), "operator 210");
  EXPECT_EQ(name_of(OperatorCode{-1, "", 1}), "operator -1");
}

TEST(OperatorsTest, HaveOperands) {
  EXPECT_EQ(operand_counts(Operator::ADD).inputs.most, 2U);
  EXPECT_EQ(operand_counts(Operator::PACK).inputs.least, 1U);
  EXPECT_GT(operand_counts(Operator::PACK).inputs.most, 1000U);
  for (const Operator varying : {Operator::CUSTOM, kUnknown}) {
    EXPECT_EQ(operand_counts(varying).outputs.least, 0U);
    EXPECT_GT(operand_counts(varying).outputs.most, 1000U);
  }
  EXPECT_THAT(operand_counts(Operator::SVDF).required_inputs, Optional(3U));
  EXPECT_EQ(operand_counts(Operator::ADD).required_inputs, std::nullopt);
  EXPECT_THAT(input_of_output_type(Operator::SPLIT), Optional(1U));
  EXPECT_EQ(input_of_output_type(Operator::ADD), std::nullopt);
  EXPECT_THAT(callees(Operator::WHILE), ElementsAre(0, 1));
  EXPECT_THAT(callees(Operator::ADD), IsEmpty());
  EXPECT_THAT(callees(kUnknown), IsEmpty());
}

// The table against what converters wrote, who may leave options out.
TEST(OperatorsTest, HaveTheOptionsThatModelsGiveThem) {
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ZEROLITE_TEST_MODELS)) {
    if (entry.path().extension() != ".tflite" || entry.path().stem() == "unknown_builtin") continue;
    try {
      const std::shared_ptr<ModelBytes> bytes = ModelBytes::read(entry.path());
      const ModelInterface model = ModelInterface::parse(*bytes);
      for (const SubgraphDetails& subgraph : ModelContents::read(bytes->span()).subgraphs) {
        for (const OperatorDetails& operation : subgraph.operators) {
          const OperatorCode& code = model.operator_codes[operation.code];
          if (operation.options.type == 0 && operation.options_2.type == 0) continue;
          EXPECT_TRUE(options_of(kind_of(code), operation)) << name_of(code) << " of " << entry.path();
          ++compared;
        }
      }
    } catch (const InvalidModelError&) {
      continue;
    }
  }
  EXPECT_GT(compared, 200);
}

}  // namespace
}  // namespace zerolite::tests

// What holds for every model, and what AddressSanitizer and UBSan say to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

constexpr unsigned kRounds = 6;

// Those that can't be loaded or run, for the reason in their name (tests/models/manifest.json has the details).
const std::set<std::string>& refused() {
  static const std::set<std::string> names = {"buffer_out_of_range",
                                              "builtin_version_too_new",
                                              "flex_op",
                                              "huge_tensor",
                                              "input_out_of_range",
                                              "negative_dimension",
                                              "no_subgraph",
                                              "opcode_out_of_range",
                                              "operand_out_of_range",
                                              "schema_version",
                                              "shapes_do_not_fit",
                                              "short_constant",
                                              "signature_subgraph_out_of_range",
                                              "signature_tensor_out_of_range",
                                              "unknown_builtin",
                                              "unknown_custom_op",
                                              "unsupported_type"};
  return names;
}

class EveryModel : public testing::TestWithParam<std::string> {};

std::vector<Result> results(CompiledModel& model, std::size_t signature) {
  std::vector<Result> results;
  for (unsigned round = 0; round < kRounds; ++round) {
    SignatureRunner& runner = model.signature(signature);
    fill_inputs(runner, round);
    runner.run();
    results.push_back(result_of(runner));
  }
  return results;
}

void load_and_run(const std::string& name) {
  const std::unique_ptr<CompiledModel> model = compile(name);
  for (std::size_t i = 0; i < model->interface().signatures.size(); ++i) (void)results(*model, i);
}

TEST_P(EveryModel, RunsAlikeHoweverItIsDispatched) {
  if (refused().contains(GetParam())) {
    EXPECT_THROW(load_and_run(GetParam()), Error);
    return;
  }
  if (GetParam() == "random_numbers") return load_and_run(GetParam());
  const std::unique_ptr<CompiledModel> direct = compile(GetParam());
  const std::unique_ptr<CompiledModel> regular = compile(GetParam());
  for (std::size_t i = 0; i < direct->interface().signatures.size(); ++i) {
    {
      const RegularDispatchOnly only;
      (void)regular->signature(i);
    }
    const std::vector<Result> expected = results(*regular, i);
    EXPECT_FALSE(regular->signature(i).dispatch().direct);
    const std::vector<Result> got = results(*direct, i);
    for (unsigned round = 0; round < kRounds; ++round) {
      EXPECT_EQ(got[round], expected[round]) << "signature " << i << ", round " << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EveryModel, testing::ValuesIn(model_names()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace zerolite::tests

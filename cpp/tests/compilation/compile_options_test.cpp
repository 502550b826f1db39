#include "zerolite/compilation/compile_options.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

CompileOptions options_with(int threads, CpuKernels kernels = CpuKernels::delegate) {
  CompileOptions options;
  options.threads = threads;
  options.kernels = kernels;
  return options;
}

TEST(CompileOptionsTest, RefusesNumbersOfThreadsThatCanNotBeMeant) {
  for (const int threads : {0, -1, 1025, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    const CompileOptions options = options_with(threads);
    EXPECT_THROW(options.validate(), ValueError) << threads;
    EXPECT_THROW((void)options.to_runtime(), ValueError) << threads;
    EXPECT_THROW((void)compile("dense_2layer", options), ValueError) << threads;
  }
  for (const int threads : {1, 2, 1024}) EXPECT_NO_THROW(options_with(threads).validate()) << threads;
}

TEST(CompileOptionsTest, RefusesFlagsThatOtherSettingsContradict) {
  CompileOptions options;
  options.xnnpack_flags = 7;
  EXPECT_NO_THROW(options.validate());
  options.weight_cache_file = "weights";
  EXPECT_THROW(options.validate(), ValueError);
  options.xnnpack_flags = 3;
  EXPECT_NO_THROW(options.validate());
  options.weight_cache_file.clear();
  options.kernels = CpuKernels::builtin;
  EXPECT_THROW(options.validate(), ValueError);
}

TEST(CompileOptionsTest, FlagsTakeThePlaceOfTheDefaults) {
  CompileOptions options;
  const auto taken = [&] { return compile("dense_2layer_int8", options)->delegation(0)->partitions.size(); };
  EXPECT_GT(taken(), 0U);
  options.xnnpack_flags = 2;  // without that for int8
  EXPECT_EQ(taken(), 0U);
}

class Kernels : public testing::TestWithParam<CpuKernels> {};

TEST_P(Kernels, Run) {
  const std::unique_ptr<CompiledModel> model = compile("small_cnn", options_with(2, GetParam()));
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  runner.run();
  const std::vector<float> scores = output<float>(runner);

  const std::unique_ptr<CompiledModel> reference = compile("small_cnn", options_with(1, CpuKernels::reference));
  SignatureRunner& expected = reference->signature(0);
  fill_inputs(expected, 1);
  expected.run();
  const std::vector<float> expected_scores = output<float>(expected);
  ASSERT_EQ(scores.size(), expected_scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(scores[i], expected_scores[i], 1e-4);
}

INSTANTIATE_TEST_SUITE_P(All, Kernels,
                         testing::Values(CpuKernels::delegate, CpuKernels::builtin, CpuKernels::reference));

}  // namespace
}  // namespace zerolite::tests

// A direct run allocates nothing.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/allocation_count.hpp"
#include "support/observed_model.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/aligned_buffer.hpp"

namespace zerolite::tests {
namespace {

constexpr int kRuns = 1000;

TEST(AllocationCountTest, Counts) {
  const AllocationCount count;
  const auto number = std::make_unique<int>(1);
  EXPECT_EQ(count.value(), 1U);
  const auto aligned = AlignedBuffer::allocate(100);
  EXPECT_GE(count.value(), 3U) << "its memory, the object and the shared pointer's";
}

class DirectRuns : public testing::TestWithParam<const char*> {};

TEST_P(DirectRuns, AllocateNothing) {
  const std::unique_ptr<CompiledModel> model = compile(GetParam());
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  for (int i = 0; i < 3; ++i) runner.run();
  ASSERT_TRUE(runner.is_direct()) << runner.dispatch().reason;
  const AllocationCount count;
  for (int i = 0; i < kRuns; ++i) runner.run();
  EXPECT_EQ(count.value(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Models, DirectRuns,
                         testing::Values("dense_2layer", "dense_2layer_int8", "delegated_chain", "builtin_chain",
                                         "mixed_chain", "two_inputs_three_outputs", "many_inputs", "no_signature",
                                         "svdf", "sequence_lstm"),
                         [](const auto& name) { return std::string(name.param); });

class DirectRunsOfKernelsThatAllocate : public testing::TestWithParam<const char*> {};

// Kernels of TensorFlow Lite, STRIDED_SLICE for example, may allocate: what a run does beyond them must not.
TEST_P(DirectRunsOfKernelsThatAllocate, AllocateNothingElse) {
  ObservedModel model(GetParam());
  SignatureRunner runner = model.runner();
  fill_inputs(runner, 1);
  for (int i = 0; i < 4; ++i) runner.run();
  ASSERT_TRUE(runner.is_direct()) << runner.dispatch().reason;
  const DirectPlan kernels(model.graph(), model.graph().plan(), {});
  std::size_t by_kernels = 0;
  {
    const AllocationCount count;
    for (int i = 0; i < kRuns; ++i) (void)kernels.run();
    by_kernels = count.value();
  }
  const AllocationCount count;
  for (int i = 0; i < kRuns; ++i) runner.run();
  EXPECT_EQ(count.value(), by_kernels);
}

INSTANTIATE_TEST_SUITE_P(Models, DirectRunsOfKernelsThatAllocate,
                         testing::Values("small_cnn", "small_cnn_int8", "small_mobilenet", "spectrum", "gather"),
                         [](const auto& name) { return std::string(name.param); });

TEST(DirectRunsTest, AllocateNothingAfterABinding) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  for (int i = 0; i < 3; ++i) runner.run();
  const auto memory = AlignedBuffer::allocate(256);
  runner.bind(Side::input, 0, memory->data(), memory);
  runner.run();  // XNNPACK takes note of the new memory
  const AllocationCount count;
  for (int i = 0; i < kRuns; ++i) runner.run();
  EXPECT_EQ(count.value(), 0U);
}

}  // namespace
}  // namespace zerolite::tests

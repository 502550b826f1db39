#include "zerolite/execution/signature_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/aligned_buffer.hpp"

namespace zerolite::tests {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(SignatureMemoryTest, KeepsItsMemoryFromRunToRun) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::byte* const input = runner.binding(Side::input, 0).data();
  const std::byte* const output_data = runner.binding(Side::output, 0).data();
  const std::uint64_t generation = runner.generation();
  for (unsigned round = 0; round < 5; ++round) (void)run_with(runner, round);
  EXPECT_EQ(runner.binding(Side::input, 0).data(), input);
  EXPECT_EQ(runner.binding(Side::output, 0).data(), output_data);
  EXPECT_EQ(runner.generation(), generation);
}

TEST(SignatureMemoryTest, RunsOverTheCallersMemory) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> expected = run_with(runner, 3);
  const std::vector<float> features(values<float>(runner, Side::input, 0).begin(),
                                    values<float>(runner, Side::input, 0).end());
  std::ranges::fill(values<float>(runner, Side::input, 0), 0.0F);
  // Before the first direct run, and after it.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::shared_ptr<AlignedBuffer> input = AlignedBuffer::allocate(256);
    const std::shared_ptr<AlignedBuffer> result = AlignedBuffer::allocate(40);
    std::memcpy(input->data(), features.data(), 256);
    runner.bind(Side::input, 0, input->data(), input);
    runner.bind(Side::output, 0, result->data(), result);
    for (int run = 0; run < 3; ++run) {
      std::memset(result->data(), 0xFF, 40);
      runner.run();
      EXPECT_EQ(output<float>(runner), expected);
      EXPECT_EQ(runner.binding(Side::output, 0).data(), result->data());
    }
    runner.unbind(Side::input, 0);
    runner.unbind(Side::output, 0);
    std::memset(result->data(), 0, 40);
    runner.run();
    EXPECT_THAT(std::span(reinterpret_cast<const float*>(result->data()), 10), Each(0)) << "it was written to later";
    EXPECT_NE(output<float>(runner), expected) << "its own memory was made anew, full of zeros";
    EXPECT_EQ(input.use_count(), 1) << "unbinding lets go of the memory";
  }
}

TEST(SignatureMemoryTest, OneTensorUnderTwoNamesIsOneMemory) {
  const std::unique_ptr<CompiledModel> model = compile("same_output_twice");
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  runner.run();
  EXPECT_EQ(runner.binding(Side::output, 0).data(), runner.binding(Side::output, 1).data());
  EXPECT_EQ(output<float>(runner, 0), output<float>(runner, 1));
}

TEST(SignatureMemoryTest, StringsGrowAndShrink) {
  const std::unique_ptr<CompiledModel> model = compile("string_passthrough");
  SignatureRunner& runner = model->signature(0);
  for (const int length : {0, 3, 10'000, 1, 200'000, 0, 50'000}) {
    const std::string text(static_cast<std::size_t>(length), 'x');
    const std::vector<std::string_view> strings = {text, "", "b", text, "\xFF", "end"};
    set_strings(runner, 0, strings);
    runner.run();
    EXPECT_EQ(output_strings(runner), std::vector<std::string>(strings.begin(), strings.end())) << length;
    EXPECT_THAT(runner.binding(Side::output, 0).shape(), ElementsAre(3, 2));
  }
}

TEST(SignatureMemoryTest, GivesBackWhatItBorrowedForATensorWithTwoNames) {
  const std::unique_ptr<CompiledModel> model = compile("same_output_twice");
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  for (int run = 0; run < 3; ++run) runner.run();
  const Result expected = result_of(runner);
  const std::byte* const own = runner.binding(Side::output, 0).data();
  const std::size_t size = runner.binding(Side::output, 0).size();
  const std::array memory = {AlignedBuffer::allocate(size), AlignedBuffer::allocate(size)};
  for (std::size_t i = 0; i < memory.size(); ++i) runner.borrow(Side::output, i, memory[i]->data());
  EXPECT_EQ(runner.binding(Side::output, 0).data(), memory[1]->data());
  runner.run();
  EXPECT_EQ(result_of(runner), expected);
  runner.end_borrowing();
  EXPECT_EQ(runner.binding(Side::output, 0).data(), own);
  runner.run();
  EXPECT_EQ(result_of(runner), expected);
}

TEST(SignatureMemoryTest, ComesBackAsItWasWhenItWasSwappedOut) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> expected = run_with(runner, 3);
  const std::byte* const own = runner.binding(Side::input, 0).data();
  std::vector<TensorBinding> saved = runner.swap_out();
  EXPECT_NE(runner.binding(Side::input, 0).data(), own);
  runner.resize(std::array{ResizeRequest{0, {5, 64}}});
  (void)run_with(runner, 4);
  runner.swap_in(std::move(saved), {{0, {1, 64}}});
  EXPECT_EQ(runner.binding(Side::input, 0).data(), own);
  EXPECT_THAT(runner.binding(Side::output, 0).shape(), ElementsAre(1, 10));
  runner.run();
  EXPECT_EQ(output<float>(runner), expected);
}

}  // namespace
}  // namespace zerolite::tests

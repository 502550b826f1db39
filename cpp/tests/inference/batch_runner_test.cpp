#include "zerolite/inference/batch_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "support/float_batch.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::AnyOf;
using testing::Each;
using testing::ElementsAre;

// Runs items from `first` in whole chunks, and returns where it stopped.
std::size_t run_chunks(BatchRunner& runner, const Batch& batch, std::size_t chunk, std::size_t first = 0) {
  runner.run(batch, chunk, [&]() -> std::optional<std::size_t> {
    if (batch.items - first < chunk) return std::nullopt;
    return std::exchange(first, first + chunk);
  });
  return first;
}

void run_all(BatchRunner& runner, const Batch& batch, std::size_t chunk) {
  const std::size_t rest = run_chunks(runner, batch, chunk);
  if (rest < batch.items) run_chunks(runner, batch, batch.items - rest, rest);
}

TEST(BatchRunnerTest, KnowsHowTensorsAreMadeOfItems) {
  const auto layout = [](const char* name) {
    const std::unique_ptr<CompiledModel> model = compile(name);
    const BatchLayout found = BatchRunner(model->signature(0)).layout();
    return std::tuple(found.items_per_run, found.leading_axis, found.resizable);
  };
  EXPECT_EQ(layout("dense_2layer"), std::tuple(1, true, true));
  EXPECT_EQ(layout("small_cnn"), std::tuple(1, true, true));
  EXPECT_EQ(layout("fixed_batch"), std::tuple(2, true, false));
  EXPECT_EQ(layout("rank_0"), std::tuple(1, false, false));
  EXPECT_EQ(layout("gather"), std::tuple(1, false, false)) << "the inputs have different leading dimensions";
  EXPECT_EQ(layout("svdf"), std::tuple(1, true, false)) << "state goes from run to run";
  EXPECT_EQ(layout("where"), std::tuple(1, false, false));
}

TEST(BatchRunnerTest, AnItemIsASliceOrAWholeTensor) {
  const std::vector<std::int32_t> shape = {4, 3, 2};
  EXPECT_THAT((BatchLayout{.items_per_run = 4, .leading_axis = true}.item_shape(shape)), ElementsAre(3, 2));
  EXPECT_THAT((BatchLayout{.items_per_run = 1, .leading_axis = false}.item_shape(shape)), ElementsAre(4, 3, 2));
}

TEST(BatchRunnerTest, GivesWhatSingleRunsGive) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  FloatBatch floats(33, 64, 10);
  const std::vector<float> expected = floats.expected(*compile("dense_2layer"));
  for (const std::size_t chunk : {1U, 2U, 3U, 8U, 32U, 33U, 1U, 33U}) {
    std::ranges::fill(floats.outputs, -1.0F);
    BatchRunner runner(model->signature(0));
    run_all(runner, floats.batch(), chunk);
    EXPECT_EQ(floats.outputs, expected) << chunk;
  }
}

// Shapes inside this model settle in the middle of its first run after a resize, see DeferredOutputs.
TEST(BatchRunnerTest, ChunksGrowAndShrinkWithinTheirMemory) {
  for (const char* name : {"small_cnn", "small_mobilenet"}) {
    const bool is_cnn = std::string_view(name) == "small_cnn";
    FloatBatch floats(32, is_cnn ? 28 * 28 : 16 * 16 * 3, is_cnn ? 10 : 5);
    const std::vector<float> expected = floats.expected(*compile(name));
    const std::unique_ptr<CompiledModel> model = compile(name);
    for (const std::size_t chunk : {1U, 8U, 1U, 32U, 1U, 3U, 32U, 8U}) {
      std::ranges::fill(floats.outputs, -1.0F);
      BatchRunner runner(model->signature(0));
      run_all(runner, floats.batch(), chunk);
      EXPECT_EQ(floats.outputs, expected) << name << " in chunks of " << chunk;
    }
  }
}

TEST(BatchRunnerTest, LeavesItemsAloneThatItIsNotGiven) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  FloatBatch floats(10, 64, 10);
  BatchRunner runner(model->signature(0));
  EXPECT_EQ(run_chunks(runner, floats.batch(), 4, 1), 9);
  EXPECT_THAT(std::span(floats.outputs).first(10), Each(-1.0F));
  EXPECT_THAT(std::span(floats.outputs).last(10), Each(-1.0F));
  EXPECT_THAT(std::span(floats.outputs).subspan(10, 80), Each(testing::Ne(-1.0F)));
}

TEST(BatchRunnerTest, ItemsApartAndBackwards) {
  FloatBatch floats(12, 64, 10);
  const std::vector<float> expected = floats.expected(*compile("dense_2layer"));
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  std::vector<float> apart(std::size_t{12} * 100);
  for (std::size_t i = 0; i < 12; ++i) {
    std::copy_n(floats.inputs.begin() + static_cast<std::ptrdiff_t>(i * 64), 64,
                apart.begin() + static_cast<std::ptrdiff_t>((11 - i) * 100));
  }
  Batch batch = floats.batch();
  batch.inputs[0].data = reinterpret_cast<std::byte*>(apart.data() + std::ptrdiff_t{11} * 100);
  batch.inputs[0].stride = -400;
  for (const std::size_t chunk : {1U, 4U, 12U}) {
    BatchRunner runner(model->signature(0));
    run_all(runner, batch, chunk);
    EXPECT_EQ(floats.outputs, expected) << chunk;
  }
}

// Items of 48 KiB, which runs use where they lie.
TEST(BatchRunnerTest, LargeItemsAreUsedInPlace) {
  constexpr std::size_t kItems = 5;
  constexpr std::size_t kElements = std::size_t{64} * 64 * 3;
  const auto resized = [] {
    std::unique_ptr<CompiledModel> model = compile("small_mobilenet");
    model->signature(0).resize(std::vector<ResizeRequest>{{0, {1, 64, 64, 3}}});
    return model;
  };
  FloatBatch floats(kItems, kElements, 5);
  const std::vector<float> expected = floats.expected(*resized());
  const std::unique_ptr<CompiledModel> model = resized();
  const std::size_t bytes = kItems * kElements * sizeof(float);
  const std::shared_ptr<AlignedBuffer> aligned = AlignedBuffer::allocate(bytes);
  std::memcpy(aligned->data(), floats.inputs.data(), bytes);
  for (const std::size_t past_end : {std::size_t{0}, kReadPastEnd}) {
    Batch batch = floats.batch();
    batch.inputs[0].data = aligned->data();
    batch.inputs[0].readable_past_end = past_end;
    for (const std::size_t chunk : {1U, 2U, 5U, 1U}) {
      std::ranges::fill(floats.outputs, -1.0F);
      BatchRunner runner(model->signature(0));
      run_all(runner, batch, chunk);
      EXPECT_EQ(floats.outputs, expected) << chunk;
    }
  }
  EXPECT_TRUE(std::ranges::equal(std::span(aligned->data(), bytes), std::as_bytes(std::span(floats.inputs))));
}

TEST(BatchRunnerTest, GivesTheSignatureItsMemoryBack) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::shared_ptr<AlignedBuffer> bound = AlignedBuffer::allocate(256);
  runner.bind(Side::input, 0, bound->data(), bound);
  const std::byte* const result = runner.binding(Side::output, 0).data();
  FloatBatch floats(20, 64, 10);
  for (const std::size_t chunk : {1U, 4U, 20U}) {
    BatchRunner batch_runner(runner);
    run_all(batch_runner, floats.batch(), chunk);
    EXPECT_EQ(runner.binding(Side::input, 0).data(), bound->data());
    EXPECT_TRUE(runner.binding(Side::input, 0).is_bound());
    EXPECT_EQ(runner.binding(Side::output, 0).data(), result);
    EXPECT_THAT(runner.binding(Side::input, 0).shape(), ElementsAre(1, 64));
    std::memcpy(bound->data(), floats.inputs.data(), 256);
    runner.run();
    EXPECT_TRUE(std::ranges::equal(std::span(result, 40), std::as_bytes(std::span(floats.outputs)).first(40))) << chunk;
  }
}

TEST(BatchRunnerTest, TheFastestChunkIsMeasuredOnce) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& signature = model->signature(0);
  FloatBatch floats(600, 64, 10);
  const std::size_t chunk = BatchRunner(signature).fastest_chunk(floats.batch());
  EXPECT_THAT(chunk, AnyOf(1, 8, 32, 128, 512));
  ASSERT_TRUE(signature.chosen_chunk().has_value());
  // What is remembered counts, whatever it is.
  signature.chosen_chunk()->chunk = 17;
  EXPECT_EQ(BatchRunner(signature).fastest_chunk(floats.batch()), 17);
  FloatBatch few(1, 64, 10);
  EXPECT_EQ(BatchRunner(signature).fastest_chunk(few.batch()), 1);
  EXPECT_THAT(signature.binding(Side::input, 0).shape(), ElementsAre(1, 64));
}

TEST(BatchRunnerTest, MoreItemsAreMeasuredAnew) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& signature = model->signature(0);
  FloatBatch few(9, 64, 10);
  EXPECT_THAT(BatchRunner(signature).fastest_chunk(few.batch()), AnyOf(1, 8));
  signature.chosen_chunk()->chunk = 17;
  FloatBatch many(600, 64, 10);
  EXPECT_THAT(BatchRunner(signature).fastest_chunk(many.batch()), AnyOf(1, 8, 32, 128, 512));
}

TEST(BatchRunnerTest, NothingIsMeasuredWhereThereIsNoChoice) {
  const std::unique_ptr<CompiledModel> model = compile("fixed_batch");
  FloatBatch floats(600, 16, 3);
  EXPECT_EQ(BatchRunner(model->signature(0)).fastest_chunk(floats.batch()), 2);
  EXPECT_FALSE(model->signature(0).chosen_chunk().has_value());
}

TEST(BatchRunnerTest, AChunkThatAnOutputDoesNotAllowIsNotChosen) {
  const std::unique_ptr<CompiledModel> model = compile("two_inputs_three_outputs");
  SignatureRunner& signature = model->signature(0);
  constexpr std::size_t kItems = 20;
  std::vector<float> input(kItems * 4, 1.0F);
  std::vector<std::vector<float>> outputs;
  Batch batch;
  batch.items = kItems;
  for (int i = 0; i < 2; ++i) batch.inputs.push_back({reinterpret_cast<std::byte*>(input.data()), 16, 16, 0});
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t size = signature.binding(Side::output, i).size();
    std::vector<float>& memory = outputs.emplace_back(kItems * size / sizeof(float));
    batch.outputs.push_back({reinterpret_cast<std::byte*>(memory.data()), size, static_cast<std::ptrdiff_t>(size), 0});
  }
  EXPECT_EQ(BatchRunner(signature).fastest_chunk(batch), 1);
}

TEST(BatchRunnerTest, AnItemThatFailsLeavesTheSignatureSound) {
  const std::unique_ptr<CompiledModel> model = compile("integer_division");
  SignatureRunner& signature = model->signature(0);
  const std::size_t divisor = signature.description().inputs[0].name == "y" ? 0 : 1;
  std::vector<std::int32_t> dividends(20, 12);
  std::vector<std::int32_t> divisors(20, 3);
  std::vector<std::int32_t> results(20, -1);
  Batch batch;
  BatchRunner runner(signature);
  const std::size_t item = runner.layout().leading_axis ? 4 : 16;
  batch.items = 80 / item;
  batch.inputs.resize(2);
  const auto tensor = [&](std::vector<std::int32_t>& memory) {
    return BatchTensor{reinterpret_cast<std::byte*>(memory.data()), item, static_cast<std::ptrdiff_t>(item), 0};
  };
  batch.inputs[1 - divisor] = tensor(dividends);
  batch.inputs[divisor] = tensor(divisors);
  batch.outputs.push_back(tensor(results));
  const std::size_t chunk = runner.layout().items_per_run;
  for (int attempt = 0; attempt < 2; ++attempt) {
    divisors[13] = 0;
    EXPECT_THROW(run_all(runner, batch, chunk), Error);
    divisors[13] = 3;
    std::ranges::fill(results, -1);
    run_all(runner, batch, chunk);
    EXPECT_THAT(results, Each(4));
  }
}

TEST(BatchRunnerTest, CandidateChunksGrowUpToTheBatch) {
  EXPECT_TRUE(candidate_chunks(0).empty());
  EXPECT_EQ(candidate_chunks(1), (std::vector<std::size_t>{1}));
  EXPECT_EQ(candidate_chunks(127), (std::vector<std::size_t>{1, 8, 32}));
  EXPECT_EQ(candidate_chunks(128), (std::vector<std::size_t>{1, 8, 32, 128}));
  EXPECT_EQ(candidate_chunks(100'000), (std::vector<std::size_t>{1, 8, 32, 128, 512}));
}

}  // namespace
}  // namespace zerolite::tests

// For ThreadSanitizer as much as for AddressSanitizer.
#include "zerolite/inference/batch_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <thread>

#include "support/float_batch.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::StartsWith;
using Clock = BatchLoop::Clock;

constexpr Clock::time_point kEver = Clock::time_point::max();
constexpr Clock::time_point kLongAgo = Clock::time_point::min();

std::vector<std::shared_ptr<CompiledModel>> replicas(const char* name, std::size_t count) {
  const std::shared_ptr<const Model> model = read_model(name);
  std::vector<std::shared_ptr<CompiledModel>> compiled;
  compiled.reserve(count);
  for (std::size_t i = 0; i < count; ++i) compiled.push_back(std::make_shared<CompiledModel>(model, CompileOptions{}));
  return compiled;
}

void run(BatchLoop& loop) {
  while (!loop.advance(kLongAgo)) {
  }
}

TEST(BatchLoopTest, RunsEveryItemInAnyChunks) {
  const std::vector<std::shared_ptr<CompiledModel>> models = replicas("dense_2layer", 1);
  for (const std::size_t items : {1U, 7U, 33U}) {
    FloatBatch floats(items, 64, 10);
    const std::vector<float> expected = floats.expected(*compile("dense_2layer"));
    for (const std::size_t chunk : {0U, 1U, 2U, 3U, 8U, 32U, 100U}) {
      std::ranges::fill(floats.outputs, -1.0F);
      BatchLoop loop(models, 0, floats.batch(), chunk);
      EXPECT_EQ(loop.items(), items);
      EXPECT_EQ(loop.done(), 0);
      EXPECT_TRUE(loop.advance(kEver));
      EXPECT_EQ(loop.done(), items);
      EXPECT_EQ(floats.outputs, expected) << items << " items in chunks of " << chunk;
    }
  }
}

TEST(BatchLoopTest, NoItemsAreDoneAtOnce) {
  FloatBatch floats(0, 64, 10);
  BatchLoop loop(replicas("dense_2layer", 2), 0, floats.batch(), 0);
  EXPECT_TRUE(loop.advance(kLongAgo));
  EXPECT_EQ(loop.done(), 0);
}

TEST(BatchLoopTest, AStretchWithoutTimeStillGetsAChunkDone) {
  FloatBatch floats(20, 64, 10);
  const std::vector<float> expected = floats.expected(*compile("dense_2layer"));
  const std::vector<std::shared_ptr<CompiledModel>> models = replicas("dense_2layer", 1);
  for (const std::size_t chunk : {1U, 3U, 8U}) {
    std::ranges::fill(floats.outputs, -1.0F);
    BatchLoop loop(models, 0, floats.batch(), chunk);
    for (std::size_t done = chunk; 20 - done >= chunk; done += chunk) {
      EXPECT_FALSE(loop.advance(kLongAgo));
      EXPECT_EQ(loop.done(), done);
    }
    EXPECT_TRUE(loop.advance(kLongAgo)) << "the last chunk, and what is left over";
    EXPECT_EQ(loop.done(), 20);
    EXPECT_EQ(floats.outputs, expected) << chunk;
  }
}

TEST(BatchLoopTest, ReplicasShareTheItems) {
  for (const char* name : {"dense_2layer", "small_cnn"}) {
    const bool is_dense = std::string_view(name) == "dense_2layer";
    FloatBatch floats(is_dense ? 500 : 60, is_dense ? 64 : 28 * 28, 10);
    const std::vector<float> expected = floats.expected(*compile(name));
    const std::vector<std::shared_ptr<CompiledModel>> models = replicas(name, 3);
    for (const std::size_t chunk : {0U, 1U, 7U}) {
      for (const Clock::time_point until : {kEver, kLongAgo}) {
        std::ranges::fill(floats.outputs, -1.0F);
        BatchLoop loop(models, 0, floats.batch(), chunk);
        std::size_t before = 0;
        while (!loop.advance(until)) {
          EXPECT_GT(loop.done(), before);
          before = loop.done();
        }
        EXPECT_EQ(floats.outputs, expected) << name << " in chunks of " << chunk;
      }
    }
  }
}

TEST(BatchLoopTest, OthersUseTheModelsBetweenStretches) {
  FloatBatch floats(40, 64, 10);
  const std::vector<float> expected = floats.expected(*compile("dense_2layer"));
  const std::vector<std::shared_ptr<CompiledModel>> models = replicas("dense_2layer", 2);
  BatchLoop loop(models, 0, floats.batch(), 4);
  for (bool done = false; !done;) {
    done = loop.advance(kLongAgo);
    SignatureRunner& runner = models[0]->signature(0);
    std::ranges::copy(std::span(floats.inputs).first(64), values<float>(runner, Side::input, 0).begin());
    runner.run();
    EXPECT_TRUE(std::ranges::equal(output<float>(runner), std::span(expected).first(10)));
  }
  EXPECT_EQ(floats.outputs, expected);
}

TEST(BatchLoopTest, LoopsOnTheSameModelsAtTheSameTime) {
  const std::vector<std::shared_ptr<CompiledModel>> models = replicas("dense_2layer", 2);
  FloatBatch first(200, 64, 10);
  FloatBatch second(100, 64, 10);
  const std::vector<float> expected = first.expected(*compile("dense_2layer"));
  {
    std::jthread other([&] {
      BatchLoop loop(models, 0, second.batch(), 3);
      run(loop);
    });
    BatchLoop loop(models, 0, first.batch(), 8);
    run(loop);
  }
  EXPECT_EQ(first.outputs, expected);
  EXPECT_TRUE(std::ranges::equal(second.outputs, std::span(expected).first(1000)));
}

// Divisions of 12 by `divisors`, which fail on a 0.
class Divisions {
 public:
  explicit Divisions(std::size_t runs) : dividends_(4 * runs, 12), divisors(4 * runs, 3), results(4 * runs, -1) {}

  [[nodiscard]] BatchLoop loop(const std::vector<std::shared_ptr<CompiledModel>>& models) {
    const SignatureRunner& signature = models[0]->signature(0);
    const std::size_t divisor = signature.description().inputs[0].name == "y" ? 0 : 1;
    const BatchLayout layout = BatchRunner(models[0]->signature(0)).layout();
    const std::size_t item = layout.leading_axis ? 4 : 16;
    Batch batch;
    batch.items = 4 * results.size() / item;
    batch.inputs.resize(2);
    batch.inputs[1 - divisor] = tensor(dividends_, item);
    batch.inputs[divisor] = tensor(divisors, item);
    batch.outputs.push_back(tensor(results, item));
    return {models, 0, std::move(batch), 0};
  }

 private:
  static BatchTensor tensor(std::vector<std::int32_t>& memory, std::size_t item) {
    return {reinterpret_cast<std::byte*>(memory.data()), item, static_cast<std::ptrdiff_t>(item), 0};
  }

  std::vector<std::int32_t> dividends_;

 public:
  std::vector<std::int32_t> divisors;
  std::vector<std::int32_t> results;
};

TEST(BatchLoopTest, AFailureNamesTheItem) {
  for (const std::size_t count : {1U, 2U}) {
    const std::vector<std::shared_ptr<CompiledModel>> models = replicas("integer_division", count);
    for (int attempt = 0; attempt < 3; ++attempt) {
      Divisions divisions(200);
      divisions.divisors[4 * 77 + 2] = 0;
      BatchLoop loop = divisions.loop(models);
      const std::size_t items_per_run = loop.items() / 200;
      try {
        while (!loop.advance(kEver)) {
        }
        FAIL() << "a division by zero went through";
      } catch (const Error& error) {
        const std::string first = std::to_string(77 * items_per_run);
        EXPECT_THAT(error.what(), StartsWith((items_per_run == 1 ? "item " : "items ") + first));
        EXPECT_THAT(error.what(), HasSubstr("failed"));
      }
      EXPECT_THAT(std::span(divisions.results).first(std::size_t{4} * 77), Each(4)) << "the items before are finished";

      Divisions sound(200);
      BatchLoop next = sound.loop(models);
      EXPECT_TRUE(next.advance(kEver));
      EXPECT_THAT(sound.results, Each(4));
    }
  }
}

TEST(BatchLoopTest, RefusesImpossibleChunks) {
  FloatBatch floats(6, 16, 3);
  const std::vector<std::shared_ptr<CompiledModel>> models = replicas("fixed_batch", 1);
  for (const std::size_t chunk : {1U, 3U, 4U}) {
    BatchLoop loop(models, 0, floats.batch(), chunk);
    EXPECT_THROW(loop.advance(kEver), ValueError) << chunk;
    EXPECT_EQ(loop.done(), 0);
  }
  FloatBatch odd(5, 16, 3);
  BatchLoop loop(models, 0, odd.batch(), 0);
  EXPECT_THROW(loop.advance(kEver), ValueError);
  EXPECT_THAT(odd.outputs, Each(-1.0F));
}

TEST(BatchLoopTest, RefusesAClosedModel) {
  FloatBatch floats(6, 64, 10);
  const std::vector<std::shared_ptr<CompiledModel>> models = replicas("dense_2layer", 2);
  models[1]->close();
  BatchLoop loop(models, 0, floats.batch(), 1);
  EXPECT_THROW(run(loop), Error);
  models[0]->close();
  BatchLoop other(models, 0, floats.batch(), 1);
  EXPECT_THROW(run(other), Error);
}

}  // namespace
}  // namespace zerolite::tests

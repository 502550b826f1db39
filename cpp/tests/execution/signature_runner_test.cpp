#include "zerolite/execution/signature_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

std::size_t position(const SignatureRunner& runner, Side side, std::string_view name) {
  const auto& tensors = side == Side::input ? runner.description().inputs : runner.description().outputs;
  return static_cast<std::size_t>(std::ranges::find(tensors, name, &NamedTensor::name) - tensors.begin());
}

std::vector<float> run_with(SignatureRunner& runner, unsigned round) {
  fill_inputs(runner, round);
  runner.run();
  return output<float>(runner);
}

void resize(SignatureRunner& runner, std::vector<ResizeRequest> requests) { runner.resize(requests); }

TEST(SignatureRunnerTest, TellsItsTensors) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  const SignatureRunner& runner = model->signature(0);
  EXPECT_EQ(runner.count(Side::input), 1U);
  EXPECT_EQ(runner.count(Side::output), 1U);
  const TensorSpec input = runner.spec(Side::input, 0);
  EXPECT_EQ(input.name, "features");
  EXPECT_THAT(input.shape, ElementsAre(1, 64));
  EXPECT_THAT(input.shape_signature, ElementsAre(-1, 64));
  EXPECT_EQ(runner.binding(Side::input, 0).size(), 256U);
  EXPECT_TRUE(is_aligned(runner.binding(Side::input, 0).data()));
  EXPECT_TRUE(is_aligned(runner.binding(Side::output, 0).data()));
}

TEST(SignatureRunnerTest, RunsAgainAndAgain) {
  const std::unique_ptr<CompiledModel> model = compile("small_cnn");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> first = run_with(runner, 1);
  const std::vector<float> second = run_with(runner, 2);
  EXPECT_NE(first, second);
  EXPECT_NEAR(std::accumulate(first.begin(), first.end(), 0.0F), 1, 1e-5) << "probabilities of ten classes";
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(run_with(runner, 1), first);
    EXPECT_EQ(run_with(runner, 2), second);
  }
  EXPECT_TRUE(runner.is_direct());
}

TEST(SignatureRunnerTest, KeepsItsMemoryFromRunToRun) {
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

TEST(SignatureRunnerTest, ResizesThereAndBack) {
  for (const char* name : {"dense_2layer", "builtin_chain", "mixed_chain", "dense_2layer_int8"}) {
    const std::unique_ptr<CompiledModel> model = compile(name);
    SignatureRunner& runner = model->signature(0);
    fill_inputs(runner, 7);
    runner.run();
    const Result alone = result_of(runner);
    const std::int32_t columns = runner.binding(Side::input, 0).shape()[1];
    for (const std::int32_t rows : {8, 3, 64, 1}) {
      resize(runner, {{0, {rows, columns}}});
      EXPECT_FALSE(runner.dispatch().direct);
      EXPECT_EQ(runner.binding(Side::input, 0).shape()[0], rows);
      EXPECT_EQ(runner.binding(Side::output, 0).shape()[0], rows) << "outputs follow before the run";
      for (unsigned round = 7; round < 11; ++round) {
        fill_inputs(runner, round);
        runner.run();
      }
      EXPECT_TRUE(runner.dispatch().direct) << runner.dispatch().reason;
    }
    fill_inputs(runner, 7);
    runner.run();
    EXPECT_EQ(result_of(runner), alone) << name;
  }
}

TEST(SignatureRunnerTest, ResizingToWhatItIsKeepsTheMemory) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::byte* const data = runner.binding(Side::input, 0).data();
  resize(runner, {{0, {1, 64}}});
  EXPECT_EQ(runner.binding(Side::input, 0).data(), data);
}

TEST(SignatureRunnerTest, ViewsOutliveAResize) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  const std::shared_ptr<void> owner = runner.binding(Side::input, 0).owner();
  const std::span<float> view = values<float>(runner, Side::input, 0);
  const std::vector<float> before(view.begin(), view.end());
  resize(runner, {{0, {100, 64}}});
  EXPECT_TRUE(std::ranges::equal(view, before));
}

struct Impossible {
  std::vector<std::int32_t> shape;
  const char* words;
};

TEST(SignatureRunnerTest, RefusesShapesThatCanNotBe) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> before = run_with(runner, 1);
  const std::vector<Impossible> impossible = {{{0, 64}, "at least 1"},
                                              {{-1, 64}, "at least 1"},
                                              {std::vector<std::int32_t>(9, 1), "to 8 dimensions"},
                                              {{2147483647, 2147483647, 2147483647}, "does not fit into memory"}};
  for (const auto& [shape, words] : impossible) {
    try {
      resize(runner, {{0, shape}});
      FAIL() << "it was resized to " << to_string(shape);
    } catch (const ValueError& error) {
      EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("'features'"), HasSubstr(words)));
    }
    EXPECT_EQ(run_with(runner, 1), before);
  }
}

TEST(SignatureRunnerTest, AScalarStaysAScalar) {
  const std::unique_ptr<CompiledModel> model = compile("rank_0");
  SignatureRunner& runner = model->signature(0);
  EXPECT_THROW(resize(runner, {{0, {2}}}), ValueError);
  EXPECT_NO_THROW(runner.run());
}

TEST(SignatureRunnerTest, AFailedResizeKeepsTheShapesAndTheModel) {
  const std::unique_ptr<CompiledModel> model = compile("two_inputs_three_outputs");
  SignatureRunner& runner = model->signature(0);
  resize(runner, {{0, {3, 4}}, {1, {3, 4}}});
  fill_inputs(runner, 5);
  runner.run();
  const Result before = result_of(runner);
  for (int attempt = 0; attempt < 3; ++attempt) {
    try {
      resize(runner, {{0, {2, 4}}, {1, {5, 4}}});
      FAIL() << "rows of 2 and 5 were added";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("the previous shapes are kept"));
    }
    EXPECT_THAT(runner.binding(Side::input, 0).shape(), ElementsAre(3, 4));
    EXPECT_THAT(runner.binding(Side::input, 1).shape(), ElementsAre(3, 4));
    fill_inputs(runner, 5);
    runner.run();
    EXPECT_EQ(result_of(runner), before);
  }
}

TEST(SignatureRunnerTest, AFixedBatchIsKept) {
  const std::unique_ptr<CompiledModel> model = compile("fixed_batch");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> before = run_with(runner, 1);
  EXPECT_THROW(resize(runner, {{0, {3, 4, 4}}}), Error);
  EXPECT_THAT(runner.binding(Side::input, 0).shape(), ElementsAre(2, 4, 4));
  EXPECT_EQ(run_with(runner, 1), before);
}

TEST(SignatureRunnerTest, RunsOverTheCallersMemory) {
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

TEST(SignatureRunnerTest, OneTensorUnderTwoNamesIsOneMemory) {
  const std::unique_ptr<CompiledModel> model = compile("same_output_twice");
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  runner.run();
  EXPECT_EQ(runner.binding(Side::output, 0).data(), runner.binding(Side::output, 1).data());
  EXPECT_EQ(output<float>(runner, 0), output<float>(runner, 1));
}

TEST(SignatureRunnerTest, PassesThrough) {
  for (const char* name : {"passthrough", "passthrough_only"}) {
    const std::unique_ptr<CompiledModel> model = compile(name);
    SignatureRunner& runner = model->signature(0);
    for (unsigned round = 0; round < 4; ++round) {
      fill_inputs(runner, round);
      const std::span<float> input = values<float>(runner, Side::input, 0);
      const std::vector<float> expected(input.begin(), input.end());
      runner.run();
      EXPECT_EQ(output<float>(runner, position(runner, Side::output, "same")), expected) << name;
    }
  }
}

TEST(SignatureRunnerTest, KeepsVariables) {
  const std::unique_ptr<CompiledModel> model = compile("counter");
  SignatureRunner& runner = model->signature(0);
  std::ranges::fill(values<float>(runner, Side::input, 0), 2.0F);
  for (int run = 1; run <= 5; ++run) {
    runner.run();
    EXPECT_THAT(output<float>(runner), Each(2.0F * static_cast<float>(run)));
  }
}

TEST(SignatureRunnerTest, SharesVariablesBetweenSignatures) {
  const std::unique_ptr<CompiledModel> model = compile("counter_two_signatures");
  const auto& signatures = model->description().signatures;
  const auto index = [&](std::string_view key) {
    return static_cast<std::size_t>(std::ranges::find(signatures, key, &SignatureDescription::key) -
                                    signatures.begin());
  };
  for (int run = 1; run <= 3; ++run) {
    SignatureRunner& add = model->signature(index("add"));
    std::ranges::fill(values<float>(add, Side::input, 0), 1.0F);
    add.run();
    SignatureRunner& read = model->signature(index("read"));
    read.run();
    EXPECT_THAT(output<float>(read), Each(static_cast<float>(run)));
  }
}

TEST(SignatureRunnerTest, SignaturesOfOneSubgraphTakeTurns) {
  const std::unique_ptr<CompiledModel> model = compile("two_signatures_one_subgraph");
  for (int turn = 0; turn < 4; ++turn) {
    for (std::size_t index = 0; index < 2; ++index) {
      const float value = static_cast<float>(10 * turn) + static_cast<float>(index);
      SignatureRunner& runner = model->signature(index);
      std::ranges::fill(values<float>(runner, Side::input, 0), value);
      std::ranges::fill(values<float>(runner, Side::input, 1), 100.0F);
      for (int run = 0; run < 3; ++run) runner.run();
      EXPECT_THAT(output<float>(runner), Each(value + 100));
    }
    EXPECT_NE(model->signature(0).binding(Side::output, 0).data(), model->signature(1).binding(Side::output, 0).data());
  }
}

TEST(SignatureRunnerTest, StringsGrowAndShrink) {
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

TEST(SignatureRunnerTest, AKernelThatFailsIsSaidWithTheRuntimesWords) {
  const std::unique_ptr<CompiledModel> model = compile("integer_division");
  SignatureRunner& runner = model->signature(0);
  const std::size_t divisor = position(runner, Side::input, "y");
  fill_inputs(runner, 1);
  runner.run();
  const Result before = result_of(runner);
  // As a regular run and as a direct one.
  for (int attempt = 0; attempt < 4; ++attempt) {
    std::ranges::fill(values<std::int32_t>(runner, Side::input, divisor), 0);
    try {
      runner.run();
      FAIL() << "a division by zero went through";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("serving_default"), HasSubstr("failed: ")));
    }
    fill_inputs(runner, 1);
    runner.run();
    EXPECT_EQ(result_of(runner), before);
  }
}

TEST(SignatureRunnerTest, AFirstRunThatFailsIsFollowedByOthers) {
  const std::unique_ptr<CompiledModel> model = compile("integer_division");
  SignatureRunner& runner = model->signature(0);
  EXPECT_THROW(runner.run(), Error) << "the memory is full of zeros";
  fill_inputs(runner, 1);
  runner.run();
  EXPECT_TRUE(runner.dispatch().direct) << runner.dispatch().reason;
}

TEST(SignatureRunnerTest, RefusesTypesThatCanNotBePassed) {
  const std::unique_ptr<CompiledModel> model = compile("hashtable");
  EXPECT_NO_THROW((void)model->signature(0)) << "a resource inside is no matter";
}

}  // namespace
}  // namespace zerolite::tests

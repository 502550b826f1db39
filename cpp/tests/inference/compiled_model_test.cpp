#include "zerolite/inference/compiled_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(CompiledModelTest, NamesTheModelThatCanNotBeCompiled) {
  for (const char* name : {"builtin_version_too_new", "unknown_builtin", "buffer_out_of_range"}) {
    try {
      (void)compile(name)->signature(0);
      FAIL() << name << " was compiled";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(model_path(name).string()));
    }
  }
}

TEST(CompiledModelTest, SaysWhichOperatorIsUnknown) {
  try {
    (void)compile("unknown_custom_op")->signature(0);
    FAIL() << "it was compiled";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("NobodyKnowsThis"));
  }
}

TEST(CompiledModelTest, ReplicasShareTheModelAndNothingElse) {
  const std::shared_ptr<const Model> model = read_model("counter");
  CompiledModel first(model, {});
  CompiledModel second(model, {});
  EXPECT_EQ(first.model(), second.model());
  std::ranges::fill(values<float>(first.signature(0), Side::input, 0), 1.0F);
  std::ranges::fill(values<float>(second.signature(0), Side::input, 0), 1.0F);
  first.signature(0).run();
  first.signature(0).run();
  second.signature(0).run();
  EXPECT_THAT(output<float>(first.signature(0)), testing::Each(2.0F));
  EXPECT_THAT(output<float>(second.signature(0)), testing::Each(1.0F));
}

TEST(CompiledModelTest, GivesTheSameSignatureAgain) {
  const std::unique_ptr<CompiledModel> model = compile("multi_signature");
  EXPECT_EQ(&model->signature(1), &model->signature(1));
  EXPECT_NE(&model->signature(0), &model->signature(1));
  EXPECT_THROW((void)model->signature(3), std::out_of_range);
}

TEST(CompiledModelTest, RefusesUseAfterClose) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  model->signature(0).run();
  EXPECT_FALSE(model->is_closed());
  model->close();
  EXPECT_TRUE(model->is_closed());
  try {
    (void)model->signature(0);
    FAIL() << "a closed model was used";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("is closed"), HasSubstr(model_path("dense_2layer").string())));
  }
}

TEST(CompiledModelTest, IsClosedAsOftenAsOneLikes) {
  const std::unique_ptr<CompiledModel> model = compile("two_signatures_one_subgraph");
  (void)model->signature(0);
  (void)model->signature(1);
  model->close();
  model->close();
  EXPECT_TRUE(model->is_closed());
}

TEST(CompiledModelTest, StillDescribesItselfWhenItIsClosed) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  model->close();
  EXPECT_EQ(model->interface().signatures.front().key, "serving_default");
  EXPECT_EQ(model->options().threads, 1);
}

TEST(CompiledModelTest, ViewsOutliveTheModel) {
  std::unique_ptr<CompiledModel> model = compile("small_cnn");
  SignatureRunner& runner = model->signature(0);
  fill_inputs(runner, 1);
  runner.run();
  const std::shared_ptr<void> owner = runner.binding(Side::output, 0).owner();
  const std::span<float> view = values<float>(runner, Side::output, 0);
  const std::vector<float> before(view.begin(), view.end());
  model->close();
  EXPECT_TRUE(std::ranges::equal(view, before));
  model.reset();
  EXPECT_TRUE(std::ranges::equal(view, before));
}

TEST(CompiledModelTest, TellsWhatKeepsState) {
  using State = CompiledModel::State;
  EXPECT_EQ(compile("dense_2layer")->state(), State::none);
  EXPECT_EQ(compile("hashtable")->state(), State::none) << "a table that is only read";
  EXPECT_EQ(compile("svdf")->state(), State::tensors);
  EXPECT_EQ(compile("counter")->state(), State::resources);
}

TEST(CompiledModelTest, BeginsAnewWhenItIsReset) {
  for (const char* name : {"svdf", "sequence_lstm", "counter"}) {
    const std::unique_ptr<CompiledModel> model = compile(name);
    const auto run = [&model] {
      SignatureRunner& runner = model->signature(0);
      fill_inputs(runner, 1);
      runner.run();
      const std::span<float> view = values<float>(runner, Side::output, 0);
      return std::vector<float>(view.begin(), view.end());
    };
    const std::vector<float> first = run();
    const std::vector<float> second = run();
    EXPECT_NE(second, first) << name;
    for (int i = 0; i < 3; ++i) {
      const std::shared_ptr<void> owner = model->signature(0).binding(Side::output, 0).owner();
      model->reset_state();
      EXPECT_EQ(model->signature(0).binding(Side::output, 0).owner(), owner) << name;
      EXPECT_EQ(run(), first) << name;
      EXPECT_EQ(run(), second) << name;
    }
    model->close();
    EXPECT_THROW(model->reset_state(), Error) << name;
  }
}

TEST(CompiledModelTest, OutlivesItsBytesOwner) {
  std::shared_ptr<const Model> model = read_model("dense_2layer");
  CompiledModel compiled(model, {});
  model.reset();
  fill_inputs(compiled.signature(0), 1);
  EXPECT_NO_THROW(compiled.signature(0).run());
}

TEST(CompiledModelTest, HoldsTheCallersMemoryNoLongerThanItLives) {
  std::shared_ptr<AlignedBuffer> memory = AlignedBuffer::allocate(256);
  const std::weak_ptr<AlignedBuffer> watch = memory;
  std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  std::byte* const data = memory->data();
  model->signature(0).bind(Side::input, 0, data, std::move(memory));
  model->signature(0).run();
  EXPECT_FALSE(watch.expired());
  model->close();
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace zerolite::tests

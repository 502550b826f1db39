#include "zerolite/delegates/external_delegate.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kLibrary = ZEROLITE_SAMPLE_DELEGATE;

int counted(const char* name) {
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  return reinterpret_cast<int (*)()>(dlsym(library, name))();
}

int alive() { return counted("sample_delegate_created") - counted("sample_delegate_destroyed"); }

CompileOptions with_delegate(std::vector<std::pair<std::string, std::string>> options = {}) {
  CompileOptions compile_options;
  compile_options.before_xnnpack.emplace_back(ExternalDelegateSettings{kLibrary, std::move(options)});
  return compile_options;
}

std::size_t taken_by_sample(const CompiledModel& model) {
  std::size_t count = 0;
  for (const Partition& partition : model.delegation(0).value_or(Delegation()).partitions) {
    if (partition.delegate == "SampleDelegate") count += partition.operators.size();
  }
  return count;
}

TEST(ExternalDelegateTest, IsDestroyedByItsLibrary) {
  {
    const ExternalDelegate delegate({kLibrary, {}});
    EXPECT_NE(delegate.get(), nullptr);
    EXPECT_EQ(alive(), 1);
  }
  EXPECT_EQ(alive(), 0);
}

TEST(ExternalDelegateTest, FailsInTheWordsOfTheLibraryOrTheLoader) {
  EXPECT_THAT(
      [] {
        ExternalDelegate({kLibrary, {{"colour", "blue"}}});
      },
      ThrowsMessage<DelegateError>(AllOf(HasSubstr(kLibrary), HasSubstr("no option colour"))));
  EXPECT_THAT(
      [] {
        ExternalDelegate({kLibrary, {{"fail", "throw"}}});
      },
      ThrowsMessage<DelegateError>(HasSubstr("threw an exception")));
  EXPECT_THAT(
      [] {
        ExternalDelegate({"/nowhere/library.so", {}});
      },
      ThrowsMessage<DelegateError>(HasSubstr("No such file")));
  EXPECT_THAT(
      [] {
        ExternalDelegate({ZEROLITE_TALKATIVE_LIBRARY, {}});
      },
      ThrowsMessage<DelegateError>(HasSubstr("no symbol tflite_plugin_create_delegate")));
  EXPECT_EQ(alive(), 0);
}

TEST(ExternalDelegateTest, WordsOfOneFailureAreNotThoseOfTheNext) {
  EXPECT_THROW(ExternalDelegate({kLibrary, {{"fail", "create"}}}), DelegateError);
  EXPECT_THAT(
      [] {
        ExternalDelegate({kLibrary, {{"fail", "null"}}});
      },
      ThrowsMessage<DelegateError>(HasSubstr("gave no reason")));
}

TEST(ExternalDelegateTest, RunsItsOperatorsAndGoesWithTheModel) {
  const std::unique_ptr<CompiledModel> plain = compile("rank_0");
  std::unique_ptr<CompiledModel> model = compile("rank_0", with_delegate());
  EXPECT_EQ(taken_by_sample(*model), 2);
  for (CompiledModel* each : {plain.get(), model.get()}) {
    SignatureRunner& runner = each->signature(0);
    for (std::size_t i = 0; i < runner.count(Side::input); ++i) {
      std::ranges::fill(values<float>(runner, Side::input, i), 1.5F);
    }
    runner.run();
    runner.run();
  }
  EXPECT_FALSE(model->signature(0).is_direct());
  EXPECT_EQ(output<float>(model->signature(0)), output<float>(plain->signature(0)));
  EXPECT_EQ(counted("sample_delegate_invoked"), 2);
  EXPECT_EQ(alive(), 1);
  (void)model->close();
  EXPECT_EQ(alive(), 0);
  model.reset();
  EXPECT_EQ(alive(), 0);
}

TEST(ExternalDelegateTest, AFailureAtAnyStageLeavesNothingBehind) {
  for (const char* stage : {"create", "null", "throw", "prepare", "init", "kernel"}) {
    EXPECT_THROW((void)compile("rank_0", with_delegate({{"fail", stage}})), DelegateError) << stage;
    EXPECT_EQ(alive(), 0) << stage;
  }
  compile("rank_0")->signature(0).run();
}

TEST(ExternalDelegateTest, AFailureInARunIsAnError) {
  const std::unique_ptr<CompiledModel> model = compile("rank_0", with_delegate({{"fail", "invoke"}}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT([&] { model->signature(0).run(); }, ThrowsMessage<Error>(HasSubstr("failed to compute")));
  }
}

TEST(ExternalDelegateTest, GetsNoGraphOfDynamicShapes) {
  for (int i = 0; i < 2; ++i) {
    const std::unique_ptr<CompiledModel> model = compile("where", with_delegate());
    EXPECT_EQ(taken_by_sample(*model), 0);
    EXPECT_EQ(alive(), 0);
    CompileOptions strict = with_delegate();
    strict.fallback = false;
    EXPECT_THAT([&] { (void)compile("where", strict); },
                ThrowsMessage<DelegateError>(HasSubstr("shapes only a run tells")));
  }
}

TEST(ExternalDelegateTest, ComesBeforeOrAfterXnnpack) {
  CompileOptions after;
  after.after_xnnpack.emplace_back(ExternalDelegateSettings{kLibrary, {}});
  EXPECT_EQ(taken_by_sample(*compile("rank_0", with_delegate())), 2);
  EXPECT_EQ(taken_by_sample(*compile("rank_0", after)), 0);
}

TEST(ExternalDelegateTest, AreFourOnEachSideAtMost) {
  CompileOptions options;
  options.after_xnnpack.assign(5, ExternalDelegateSettings{kLibrary, {}});
  EXPECT_THROW((void)compile("rank_0", options), DelegateError);
  EXPECT_EQ(alive(), 0);
}

}  // namespace
}  // namespace zerolite::tests

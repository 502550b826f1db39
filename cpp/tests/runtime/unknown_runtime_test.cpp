// The library of the tests behind an unknown version of its interface; a process of its own, since a process opens one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/inference/batch_runner.hpp"
#include "zerolite/runtime/runtime_library.hpp"

namespace zerolite::tests {
namespace {

using testing::HasSubstr;

class UnknownRuntimeTest : public testing::Test {
 protected:
  void SetUp() override { RuntimeLibrary::open(ZEROLITE_FUTURE_RUNTIME); }
};

template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "it worked";
}

TEST_F(UnknownRuntimeTest, SaysWhatItIs) {
  const RuntimeLibrary& library = RuntimeLibrary::get();
  EXPECT_FALSE(library.is_known());
  EXPECT_EQ(library.abi_version(), "1.9.0");
  EXPECT_EQ(library.series_name(), "");
  EXPECT_TRUE(library.captures_log()) << "the messages of the library behind the opened file";
  EXPECT_THAT(library.unknown_notice(), HasSubstr("1.9.0"));
}

TEST_F(UnknownRuntimeTest, RunsThroughThePublicInterface) {
  for (const char* name : {"dense_2layer", "small_cnn_int8", "two_inputs_three_outputs", "builtin_chain"}) {
    const auto model = compile(name);
    SignatureRunner& runner = model->signature(0);
    fill_inputs(runner, 1);
    for (int i = 0; i < 3; ++i) runner.run();
    EXPECT_FALSE(runner.is_direct()) << name;
    EXPECT_THAT(runner.dispatch().reason, HasSubstr("public interface"));
    EXPECT_TRUE(model->observer().graph(0)->plan().empty()) << "nobody looked at the runtime's own graph";
  }
}

TEST_F(UnknownRuntimeTest, ResizesAndComesBack) {
  const auto model = compile("dense_2layer");
  SignatureRunner& runner = model->signature(0);
  const std::vector<float> expected = run_with(runner, 7);
  for (const int rows : {3, 8, 1}) {
    const std::array<ResizeRequest, 1> request = {ResizeRequest{0, {rows, 64}}};
    runner.resize(request);
    EXPECT_EQ(runner.binding(Side::output, 0).shape().front(), rows);
    (void)run_with(runner, 7);
  }
  EXPECT_EQ(run_with(runner, 7), expected);
}

TEST_F(UnknownRuntimeTest, RefusesWhatOnlyTheGraphTells) {
  for (const char* name : {"where", "string_passthrough"}) {
    EXPECT_THAT(error_of([&] { compile(name)->prepare(); }), HasSubstr("public interface")) << name;
  }
  const auto model = compile("dense_2layer");
  EXPECT_THAT(error_of([&] { (void)model->profile_run(0); }), HasSubstr("a profile needs the inside"));
  EXPECT_THAT(error_of([&] { (void)model->delegation(0); }), HasSubstr("needs the inside"));
}

TEST_F(UnknownRuntimeTest, KeepsStateAndResetsIt) {
  const auto model = compile("counter");
  EXPECT_EQ(model->state(), CompiledModel::State::resources);
  const std::vector<float> first = run_with(model->signature(0), 1);
  EXPECT_NE(run_with(model->signature(0), 1), first);
  model->reset_state();
  EXPECT_EQ(run_with(model->signature(0), 1), first);
}

}  // namespace
}  // namespace zerolite::tests

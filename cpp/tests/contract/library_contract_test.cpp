// What the code assumes of the library itself: symbols, options, files and messages. See graph_contract_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "support/observed_model.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/compilation/environment.hpp"
#include "zerolite/compilation/kernel_probe.hpp"
#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite::tests {
namespace {

std::size_t delegated(const CompileOptions& options) {
  return compile("delegated_chain", options)->delegation(0)->partitions.size();
}

TEST(RuntimeContract, TheLibraryIsOfAKnownSeries) {
  EXPECT_TRUE(RuntimeLibrary::get().is_known()) << RuntimeLibrary::get().unknown_notice();
}

TEST(RuntimeContract, TheAcceleratorOfTheCpuIsAnObjectOfTheLibrary) {
  const abi::AcceleratorDefinition& definition = RuntimeLibrary::get().cpu_accelerator();
  EXPECT_EQ(definition.major_version, 1);
  EXPECT_EQ(definition.struct_size, sizeof(abi::AcceleratorDefinition));
  EXPECT_NE(definition.create_delegate, nullptr);
}

TEST(RuntimeContract, MessagesGoThroughTheSymbolStderr) {
  EXPECT_TRUE(RuntimeLibrary::get().captures_log());
  const ObservedModel model("dense_2layer");
  abi::tflite::Context* context = model.graph().context();
  const LogCapture log;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say something
  context->report_error(context, "a kernel says %d", 7);
  EXPECT_THAT(log.message(), testing::HasSubstr("a kernel says 7"));
}

TEST(RuntimeContract, ModelsFromBuffersAreVerified) {
  std::vector<std::byte> content = model_content("dense_2layer");
  for (const std::size_t size : {content.size() / 2, content.size() / 4, std::size_t{40}}) {
    abi::Model model = nullptr;
    EXPECT_NE(runtime().CreateModelFromBuffer(Environment::cpu().handle(), content.data(), size, &model),
              abi::Status::ok)
        << size;
  }
}

TEST(RuntimeContract, CpuOptionsAreFoundUnderTheirIdentifier) {
  EXPECT_EQ(delegated({}), 1U);
  EXPECT_EQ(delegated(builtin_kernels()), 0U);
}

TEST(RuntimeContract, RuntimeOptionsAreFoundUnderTheirIdentifier) {
  CompileOptions options;
  options.profiling = true;
  const auto model = compile("delegated_chain", options);
  const RunProfile profile = model->profile_run(0);
  ASSERT_EQ(profile.nodes.size(), 1U);
  EXPECT_FALSE(profile.nodes.front().steps.empty()) << "the profiler has nothing of what XNNPACK did";
}

TEST(RuntimeContract, XnnpackLeavesAGapInTheHeaderOfItsCache) {
  const TemporaryDirectory directory;
  CompileOptions options;
  options.weight_cache = (directory.path() / "weights").string();
  const auto model = compile("small_cnn", options);
  model->prepare();
  std::ifstream file(options.weight_cache, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  constexpr std::size_t kHeaderSize = 32;
  constexpr std::size_t kDataBegin = 128;
  ASSERT_GT(content.size(), kDataBegin);
  EXPECT_TRUE(
      std::all_of(content.begin() + kHeaderSize, content.begin() + kDataBegin, [](char byte) { return byte == 0; }));
  EXPECT_NE(content.substr(0, kHeaderSize), std::string(kHeaderSize, '\0'));
}

TEST(RuntimeContract, MissingKernelsAreToldInKnownWords) {
  EXPECT_EQ(probe_kernel({0, "", 1000}), Kernel::missing);
  EXPECT_EQ(probe_kernel({0, "", 1}), Kernel::present);
  EXPECT_EQ(probe_kernel({OperatorCode::kCustom, "NobodyKnowsThis", 1}), Kernel::missing);
}

}  // namespace
}  // namespace zerolite::tests

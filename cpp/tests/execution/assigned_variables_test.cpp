#include "zerolite/execution/assigned_variables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "support/test_models.hpp"
#include "zerolite/inference/compiled_model.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const CapturedGraph& graph_of(const CompiledModel& model) { return *model.observer().graph(0); }

TEST(AssignedVariablesTest, AreKeptFromXnnpack) {
  const AssignedVariables variables(*read_model("counter"), 0);
  const std::unique_ptr<CompiledModel> delegated = compile("counter");
  EXPECT_FALSE(variables.are_delegated(graph_of(*delegated)));
  const std::unique_ptr<CompiledModel> builtin = compile("counter", builtin_kernels());
  EXPECT_FALSE(variables.are_delegated(graph_of(*builtin)));
}

TEST(AssignedVariablesTest, AreNoneInMostModels) {
  const AssignedVariables variables(*read_model("dense_2layer"), 0);
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  EXPECT_FALSE(variables.are_delegated(graph_of(*model)));
  EXPECT_NO_THROW(variables.require_what_is_read(graph_of(*model), "a model"));
}

TEST(AssignedVariablesTest, HoldWhatIsRead) {
  const AssignedVariables variables(*read_model("counter"), 0);
  const std::unique_ptr<CompiledModel> model = compile("counter", builtin_kernels());
  (void)model->signature(0);
  const CapturedGraph& graph = graph_of(*model);
  EXPECT_NO_THROW(variables.require_what_is_read(graph, "a model"));
  const auto give_all = [&](std::size_t bytes, abi::tflite::AllocationType allocation) {
    for (std::size_t i = 0; i < graph.tensor_count(); ++i) {
      graph.tensor(static_cast<std::int32_t>(i)).bytes = bytes;
      graph.tensor(static_cast<std::int32_t>(i)).allocation_type = allocation;
    }
  };
  give_all(16, abi::tflite::AllocationType::arena);
  EXPECT_NO_THROW(variables.require_what_is_read(graph, "a model"));
  give_all(4, abi::tflite::AllocationType::dynamic);
  EXPECT_NO_THROW(variables.require_what_is_read(graph, "a model"));
  give_all(4, abi::tflite::AllocationType::none);
  EXPECT_THAT([&] { variables.require_what_is_read(graph, "a model"); },
              ThrowsMessage<Error>(HasSubstr("would hold 4 bytes, and 12 are read from it")));
}

}  // namespace
}  // namespace zerolite::tests

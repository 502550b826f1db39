#include "zerolite/instrumentation/tensor_trace.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>

#include "support/observed_model.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

std::vector<float> floats(const TracedTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

TEST(TensorTraceTest, HoldsEveryTensorThatARunComputes) {
  ObservedModel model("builtin_chain", builtin_kernels());
  SignatureRunner runner = model.runner();
  fill_inputs(runner, 1);
  TensorTrace trace;
  runner.run_instrumented(model.observer(), trace);
  for (const PlannedNode& planned : model.graph().plan()) {
    for (const int index : planned.node->outputs->values()) {
      const TracedTensor* tensor = trace.find(0, index);
      ASSERT_NE(tensor, nullptr);
      EXPECT_EQ(tensor->times, 1U);
      EXPECT_EQ(tensor->bytes.size(), byte_size(tensor->type, tensor->shape));
    }
  }
  const std::int32_t output_tensor = runner.binding(Side::output, 0).tensor_index();
  EXPECT_EQ(floats(*trace.find(0, output_tensor)), output<float>(runner));
}

TEST(TensorTraceTest, LeavesRunsAsTheyWere) {
  ObservedModel model("builtin_chain", builtin_kernels());
  SignatureRunner runner = model.runner();
  fill_inputs(runner, 1);
  runner.run();
  runner.run();
  runner.run();
  const Result expected = result_of(runner);
  ASSERT_TRUE(runner.dispatch().direct);
  TensorTrace trace;
  runner.run_instrumented(model.observer(), trace);
  EXPECT_EQ(result_of(runner), expected);
  for (const PlannedNode& planned : model.graph().plan()) EXPECT_NE(planned.registration->invoke, nullptr);
  trace.clear();
  runner.run();
  runner.run();
  EXPECT_TRUE(runner.dispatch().direct);
  runner.run();
  EXPECT_EQ(result_of(runner), expected);
  EXPECT_TRUE(trace.tensors().empty());  // nobody listens any more
}

TEST(TensorTraceTest, HearsTheBodiesOfLoops) {
  ObservedModel model("while_loop", builtin_kernels());
  SignatureRunner runner = model.runner();
  fill_inputs(runner, 3);
  TensorTrace trace;
  runner.run_instrumented(model.observer(), trace);
  bool in_body = false;
  for (const auto& [place, tensor] : trace.tensors()) in_body = in_body || place.first > 0;
  EXPECT_TRUE(in_body);
}

TEST(TensorTraceTest, KnowsShapesThatOnlyARunTells) {
  ObservedModel model("dynamic_intermediate", builtin_kernels());
  SignatureRunner runner = model.runner();
  fill_inputs(runner, 2);
  TensorTrace trace;
  runner.run_instrumented(model.observer(), trace);
  ASSERT_FALSE(trace.tensors().empty());
  for (const auto& [place, tensor] : trace.tensors()) {
    if (tensor.type == ElementType::string) continue;
    EXPECT_EQ(tensor.bytes.size(), byte_size(tensor.type, tensor.shape)) << "tensor " << place.second;
  }
}

class FailingListener : public NodeListener {
 public:
  void after_node(std::size_t, const CapturedGraph&, const abi::tflite::Node&) override {
    throw std::length_error("too much");
  }
};

TEST(NodeInterceptionTest, PassesOnWhatTheListenerThrows) {
  ObservedModel model("builtin_chain", builtin_kernels());
  SignatureRunner runner = model.runner();
  fill_inputs(runner, 1);
  runner.run();
  const Result expected = result_of(runner);
  FailingListener listener;
  EXPECT_THROW(runner.run_instrumented(model.observer(), listener), std::length_error);
  runner.run();
  EXPECT_EQ(result_of(runner), expected);
}

TEST(NodeInterceptionTest, LetsKernelsFail) {
  ObservedModel model("integer_division", builtin_kernels());
  SignatureRunner runner = model.runner();
  for (std::size_t i = 0; i < runner.count(Side::input); ++i) {
    const std::span<std::byte> bytes = runner.binding(Side::input, i).bytes();
    std::memset(bytes.data(), 0, bytes.size());
  }
  TensorTrace trace;
  EXPECT_THROW(runner.run_instrumented(model.observer(), trace), Error);
}

}  // namespace
}  // namespace zerolite::tests

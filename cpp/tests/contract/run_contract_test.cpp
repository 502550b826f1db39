// What the code assumes of a run and of a resize. See graph_contract_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "support/observed_model.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

// A compiled model with buffers of its own, as any caller of the public interface has it.
class Compiled {
 public:
  explicit Compiled(const char* name) : model_(compile(name, builtin_kernels())) { model_->prepare(); }

  [[nodiscard]] CompiledModel& model() { return *model_; }
  [[nodiscard]] SignatureRunner& runner() { return model_->signature(0); }

 private:
  std::unique_ptr<CompiledModel> model_;
};

class Questions final : public Interruption {
 public:
  [[nodiscard]] bool is_due() noexcept override { return ++asked_ > after_; }
  [[nodiscard]] int asked() const { return asked_; }
  void end_after(int questions) { after_ = questions; }

 private:
  int asked_ = 0;
  int after_ = 1000;
};

TEST(RuntimeContract, CancellationIsAskedBeforeEveryNode) {
  const RegularDispatchOnly regular;
  Compiled compiled("builtin_chain");
  const std::size_t nodes = compiled.model().observer().graph(0)->plan().size();
  Questions questions;
  compiled.runner().run(questions);
  EXPECT_EQ(static_cast<std::size_t>(questions.asked()), nodes);
}

TEST(RuntimeContract, ACancelledRunFailsAndTheNextOneDoesNot) {
  const RegularDispatchOnly regular;
  Compiled compiled("builtin_chain");
  Questions questions;
  questions.end_after(1);
  EXPECT_THROW(compiled.runner().run(questions), Error);
  EXPECT_LT(static_cast<std::size_t>(questions.asked()), compiled.model().observer().graph(0)->plan().size());
  compiled.runner().run();
}

TEST(RuntimeContract, RegisteredMemoryIsUsedInPlace) {
  ObservedModel model("dense_2layer");
  SignatureRunner runner = model.runner(false);
  runner.run();
  for (const TensorBinding& binding : runner.bindings()) {
    EXPECT_EQ(model.graph().tensor(binding.tensor_index()).data, binding.data());
  }
}

TEST(RuntimeContract, CallingThePlanIsTheSameAsARun) {
  ObservedModel model("dense_2layer");
  SignatureRunner regular = model.runner(false);
  const std::vector<float> expected = run_with(regular, 3);
  const CapturedGraph& graph = model.graph();
  const std::span<float> output = values<float>(regular, Side::output, 0);
  std::ranges::fill(output, 0.0F);
  for (const PlannedNode& planned : graph.plan()) {
    ASSERT_EQ(planned.registration->invoke(graph.context(), planned.node), abi::tflite::Status::ok);
  }
  EXPECT_EQ(std::vector<float>(output.begin(), output.end()), expected);
}

TEST(RuntimeContract, ATensorCanBePointedElsewhereBetweenRuns) {
  ObservedModel model("dense_2layer");
  SignatureRunner runner = model.runner(false);
  const std::vector<float> expected = run_with(runner, 5);
  const CapturedGraph& graph = model.graph();
  const TensorBinding& binding = runner.binding(Side::output, 0);
  const auto elsewhere = AlignedBuffer::allocate(binding.size());
  abi::tflite::Tensor& tensor = graph.tensor(binding.tensor_index());
  tensor.data = elsewhere->data();
  for (const PlannedNode& planned : graph.plan()) {
    ASSERT_EQ(planned.registration->invoke(graph.context(), planned.node), abi::tflite::Status::ok);
  }
  tensor.data = binding.data();
  EXPECT_EQ(std::memcmp(elsewhere->data(), expected.data(), binding.size()), 0);
}

TEST(RuntimeContract, AResizeReachesOutputsWhenTheGraphIsPrepared) {
  ObservedModel model("dense_2layer");
  SignatureRunner runner = model.runner();
  const std::array<ResizeRequest, 1> request = {ResizeRequest{0, {5, 64}}};
  runner.resize(request);
  EXPECT_EQ(runner.binding(Side::output, 0).shape().front(), 5);
  EXPECT_EQ(model.graph().shape(runner.binding(Side::output, 0).tensor_index()).front(), 5);
}

TEST(RuntimeContract, AGraphIsPreparedForShapesThatWereSetInIt) {
  // The runtime is told of another shape, since LiteRT 2.3.0 refuses one without elements.
  ObservedModel model("dense_2layer");
  SignatureRunner runner = model.runner();
  const std::array<ResizeRequest, 1> request = {ResizeRequest{0, {0, 64}}};
  runner.resize(request, EmptyShapes::taken);
  EXPECT_EQ(runner.binding(Side::output, 0).shape(), (std::vector<std::int32_t>{0, 10}));
  runner.run();
}

// Its RESHAPE computes a shape in the first run after an allocation, and what stands behind it is prepared then.
constexpr const char* kLate = "small_cnn";

TEST(RuntimeContract, ForgottenMemoryIsReplacedByTheRuntimesInARun) {
  ObservedModel model(kLate);
  SignatureRunner runner = model.runner(false);
  runner.run();
  std::vector<std::int32_t> shape = runner.spec(Side::input, 0).shape;
  shape.front() = 2;
  const std::array<ResizeRequest, 1> request = {ResizeRequest{0, shape}};
  runner.resize(request);
  EXPECT_FALSE(runner.knows_output_shapes());
  const TensorBinding& binding = runner.binding(Side::output, 0);
  const std::byte* registered = binding.data();
  runner.run();
  EXPECT_EQ(binding.shape().front(), 2);
  EXPECT_NE(model.graph().tensor(binding.tensor_index()).data, registered);
}

TEST(RuntimeContract, ShapesOfOutputsAreKnownAfterTheFirstRun) {
  ObservedModel model(kLate);
  SignatureRunner runner = model.runner(false);
  EXPECT_FALSE(runner.knows_output_shapes());
  runner.run();
  EXPECT_TRUE(runner.knows_output_shapes());
}

}  // namespace
}  // namespace zerolite::tests

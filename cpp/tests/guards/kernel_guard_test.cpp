#include "zerolite/guards/kernel_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "zerolite/guards/shape_checks.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/tensor/element_type.hpp"

namespace zerolite::tests {
namespace {

using abi::tflite::Context;
using abi::tflite::IntArray;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Status;
using abi::tflite::Tensor;

// A count and that many numbers, as TensorFlow Lite keeps them.
class Numbers {
 public:
  explicit Numbers(const std::vector<int>& numbers) : numbers_{static_cast<int>(numbers.size())} {
    numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
  }
  IntArray* get() { return reinterpret_cast<IntArray*>(numbers_.data()); }

 private:
  std::vector<int> numbers_;
};

// A graph of one node with two inputs, whose kernel counts its calls.
class OneNode {
 public:
  explicit OneNode(Operator operation) {
    registration_.builtin_code = static_cast<std::int32_t>(operation);
    registration_.prepare = &kernel;
    registration_.invoke = &kernel;
    node_.inputs = inputs_.get();
    node_.outputs = outputs_.get();
    tensors_.back().dims = nothing_.get();
    context_.tensors = tensors_.data();
    context_.tensors_size = tensors_.size();
    context_.impl = this;
    context_.get_execution_plan = [](Context* context, IntArray** plan) {
      *plan = of(context).plan_.get();
      return Status::ok;
    };
    context_.get_node_and_registration = [](Context* context, int, Node** node, Registration** registration) {
      *node = &of(context).node_;
      *registration = &of(context).registration_;
      return Status::ok;
    };
    context_.report_error = &report;
  }

  template <typename Value>
  void set(std::size_t input, ElementType type, Numbers& shape, std::vector<Value>& values) {
    tensors_.at(input).type = static_cast<int>(type);
    tensors_.at(input).dims = shape.get();
    tensors_.at(input).data = values.data();
    tensors_.at(input).name = "input";
  }

  // Of the output.
  void set_result(Numbers& shape) { tensors_.back().dims = shape.get(); }
  Tensor& tensor(std::size_t index) { return tensors_.at(index); }

  [[nodiscard]] CapturedGraph graph() { return CapturedGraph(&context_); }
  Node& node() { return node_; }
  Registration& registration() { return registration_; }
  [[nodiscard]] CheckResult::Action judge(KernelCheck* check) const { return check(LiveNode(context_, node_)).action; }
  Status prepare() { return registration_.prepare(&context_, &node_); }
  Status run() { return registration_.invoke(&context_, &node_); }
  [[nodiscard]] int calls() const { return calls_; }
  [[nodiscard]] int reports() const { return reports_; }

  static Status kernel(Context* context, Node* /*node*/) {
    of(context).calls_ += 1;
    return Status::ok;
  }

 private:
  // NOLINTNEXTLINE(modernize-avoid-variadic-functions,cert-dcl50-cpp): what a kernel calls
  static void report(Context* context, const char* /*format*/, ...) { of(context).reports_ += 1; }

  static OneNode& of(Context* context) { return *static_cast<OneNode*>(context->impl); }

  Numbers inputs_{{0, 1}};
  Numbers outputs_{{2}};
  Numbers nothing_{{0}};
  Numbers plan_{{0}};
  std::array<Tensor, 3> tensors_{};
  Node node_{};
  Registration registration_{};
  Context context_{};
  int calls_ = 0;
  int reports_ = 0;
};

TEST(KernelGuardTest, CallsTheKernelOrRefuses) {
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  OneNode model(Operator::FLOOR_MOD);
  Numbers shape({2});
  std::vector<std::int32_t> numerators = {kLeast, 5};
  std::vector<std::int32_t> denominators = {5, -1};
  model.set(0, ElementType::int32, shape, numerators);
  model.set(1, ElementType::int32, shape, denominators);
  guard_kernels(model.graph());
  EXPECT_EQ(model.run(), Status::ok);
  EXPECT_EQ(model.calls(), 1);
  numerators = {5, kLeast};
  EXPECT_EQ(model.run(), Status::error);
  EXPECT_EQ(model.calls(), 1);
  EXPECT_EQ(model.reports(), 1);
}

TEST(KernelGuardTest, ReadsLengthsOfBothTypes) {
  OneNode model(Operator::REVERSE_SEQUENCE);
  Numbers shape({2, 3});
  Numbers count({2});
  std::vector<float> data(6);
  std::vector<std::int64_t> lengths = {0, 3};
  abi::tflite::ReverseSequenceParams params{1, 0};
  model.node().builtin_data = &params;
  model.set(0, ElementType::float32, shape, data);
  model.set(1, ElementType::int64, count, lengths);
  guard_kernels(model.graph());
  EXPECT_EQ(model.run(), Status::ok);
  lengths = {3, 0x100000000};  // 0 in 32 bits
  EXPECT_EQ(model.run(), Status::error);
}

TEST(KernelGuardTest, TakesEmptyTensors) {
  OneNode model(Operator::BROADCAST_ARGS);
  Numbers shape({0});
  std::vector<std::int32_t> nothing;
  model.set(0, ElementType::int32, shape, nothing);
  model.set(1, ElementType::int32, shape, nothing);
  guard_kernels(model.graph());
  EXPECT_EQ(model.run(), Status::ok);
}

TEST(KernelGuardTest, LooksAtConstantsBeforeAPreparation) {
  OneNode model(Operator::BROADCAST_ARGS);
  Numbers shape({2});
  std::vector<std::int32_t> left = {2, 3};
  std::vector<std::int32_t> right = {3, 2};
  model.set(0, ElementType::int32, shape, left);
  model.set(1, ElementType::int32, shape, right);
  guard_kernels(model.graph());
  EXPECT_EQ(model.prepare(), Status::ok);  // values of before
  model.tensor(0).allocation_type = abi::tflite::AllocationType::mmap_read_only;
  model.tensor(1).allocation_type = abi::tflite::AllocationType::persistent_read_only;
  EXPECT_EQ(model.prepare(), Status::error);
  EXPECT_EQ(model.calls(), 1);
  right = {1, 3};
  EXPECT_EQ(model.prepare(), Status::ok);
}

TEST(KernelGuardTest, LeavesOutKernelsWithNothingToCompute) {
  OneNode model(Operator::LOG_SOFTMAX);
  Numbers some({2, 3});
  Numbers none({2, 0});
  std::vector<float> data(6);
  model.set(0, ElementType::float32, some, data);
  model.set_result(some);
  guard_kernels(model.graph());
  EXPECT_EQ(model.run(), Status::ok);
  EXPECT_EQ(model.calls(), 1);
  model.set(0, ElementType::float32, none, data);
  model.set_result(none);
  EXPECT_EQ(model.run(), Status::ok);
  EXPECT_EQ(model.calls(), 1);
  Numbers scalar({});
  model.set(0, ElementType::float32, scalar, data);
  EXPECT_EQ(model.run(), Status::error);
}

TEST(KernelCheckTest, ComparesChannelsWithScales) {
  OneNode model(Operator::DEQUANTIZE);
  Numbers shape({1, 2});
  std::vector<std::int8_t> data(2);
  model.set(0, ElementType::int8, shape, data);
  EXPECT_EQ(model.judge(&check_dequantize), CheckResult::Action::run);
  Numbers scales({0, 0});  // as many bits as floats have
  abi::tflite::AffineQuantization channels{reinterpret_cast<abi::tflite::FloatArray*>(scales.get()), nullptr, 1};
  model.tensor(0).quantization = {abi::tflite::QuantizationType::affine, &channels};
  EXPECT_EQ(model.judge(&check_dequantize), CheckResult::Action::run);
  for (const std::int32_t axis : {0, 2, -1}) {
    channels.quantized_dimension = axis;
    EXPECT_EQ(model.judge(&check_dequantize), CheckResult::Action::refuse);
  }
}

TEST(KernelCheckTest, ComparesShapes) {
  OneNode model(Operator::MATRIX_SET_DIAG);
  Numbers matrices({2, 3, 4});
  Numbers diagonals({2, 3});
  Numbers others({2, 2});
  std::vector<float> data(24);
  model.set(0, ElementType::float32, matrices, data);
  model.set(1, ElementType::float32, diagonals, data);
  EXPECT_EQ(model.judge(&check_diagonal), CheckResult::Action::run);
  EXPECT_EQ(model.judge(&check_same_shapes), CheckResult::Action::refuse);
  model.set(1, ElementType::float32, others, data);
  EXPECT_EQ(model.judge(&check_diagonal), CheckResult::Action::refuse);
  model.set(1, ElementType::float32, matrices, data);
  EXPECT_EQ(model.judge(&check_same_shapes), CheckResult::Action::run);
}

TEST(KernelGuardTest, MayComeAgain) {
  OneNode model(Operator::DILATE);
  Numbers shape({1});
  std::vector<float> data(1);
  std::vector<std::int32_t> dilations = {0};
  model.set(0, ElementType::float32, shape, data);
  model.set(1, ElementType::int32, shape, dilations);
  guard_kernels(model.graph());
  guard_kernels(model.graph());
  EXPECT_EQ(model.run(), Status::error);
  dilations = {2};
  EXPECT_EQ(model.run(), Status::ok);
  EXPECT_EQ(model.calls(), 1);
}

TEST(KernelGuardTest, LeavesOtherNodesAlone) {
  OneNode another(Operator::EXP);
  guard_kernels(another.graph());
  EXPECT_EQ(another.registration().invoke, &OneNode::kernel);

  abi::tflite::Delegate delegate{};
  OneNode delegated(Operator::FLOOR_MOD);
  delegated.node().delegate = &delegate;
  guard_kernels(delegated.graph());
  EXPECT_EQ(delegated.registration().invoke, &OneNode::kernel);

  OneNode external(Operator::FLOOR_MOD);
  external.registration().registration_external = &delegate;
  guard_kernels(external.graph());
  EXPECT_EQ(external.registration().invoke, &OneNode::kernel);

  OneNode without_kernel(Operator::FLOOR_MOD);
  without_kernel.registration().invoke = nullptr;
  guard_kernels(without_kernel.graph());
  EXPECT_EQ(without_kernel.registration().invoke, nullptr);
}

}  // namespace
}  // namespace zerolite::tests

// What the code assumes of the graph that the runtime prepares, beyond its public interface. docs/runtime-contract.md
// names each of these facts, with the file that rests on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/observed_model.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/graph/delegation.hpp"
#include "zerolite/model/model_contents.hpp"

namespace zerolite::tests {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

const Tensor& tensor_of(const ObservedModel& model, std::size_t index) {
  return model.graph().tensor(static_cast<std::int32_t>(index));
}

TEST(RuntimeContract, ContextFunctionsWorkOutsideOfPrepare) {
  ObservedModel model("builtin_chain");
  SignatureRunner runner = model.runner();
  runner.run();
  EXPECT_EQ(model.graph().plan().size(), model.interface().subgraphs.front().operators.size());
}

TEST(RuntimeContract, ContextsAreGivenByTheIndexOfTheSubgraph) {
  const auto model = compile("conditional", builtin_kernels());
  model->prepare();
  int captured = 0;
  for (std::size_t i = 0; i < model->interface().subgraphs.size(); ++i) {
    const CapturedGraph* graph = model->observer().graph(i);
    if (graph == nullptr) continue;
    const std::vector<TensorDescription>& tensors = model->interface().subgraphs[i].tensors;
    ASSERT_GE(graph->tensor_count(), tensors.size());
    for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
      EXPECT_EQ(graph->shape(static_cast<std::int32_t>(tensor)).size(), tensors[tensor].shape.size());
    }
    ++captured;
  }
  EXPECT_GT(captured, 1);
}

TEST(RuntimeContract, TensorsLieInTheOrderOfTheFile) {
  for (const char* name : {"mixed_branches", "small_cnn", "quantized_add_int8", "dtype_int64"}) {
    const ObservedModel model(name, builtin_kernels());
    const SubgraphDescription& main = model.interface().subgraphs.front();
    ASSERT_GE(model.graph().tensor_count(), main.tensors.size()) << name;
    for (std::size_t i = 0; i < main.tensors.size(); ++i) {
      const TensorSpec spec = model.graph().spec(static_cast<std::int32_t>(i));
      EXPECT_EQ(spec.type, main.tensors[i].type) << name << " " << i;
      EXPECT_EQ(spec.shape.size(), main.tensors[i].shape.size()) << name << " " << i;
    }
  }
}

TEST(RuntimeContract, QuantizationIsAffineAndThatOfTheFile) {
  const auto file = read_model("per_channel_input");
  const ModelContents contents = ModelContents::read(file->bytes().span());
  const ObservedModel model("per_channel_input");
  const std::int32_t input = model.interface().subgraphs.front().inputs.front();
  const TensorSpec spec = model.graph().spec(input);
  ASSERT_TRUE(spec.quantization.has_value());
  EXPECT_EQ(spec.quantization->scales, contents.subgraphs.front().tensors[static_cast<std::size_t>(input)].scales);
}

TEST(RuntimeContract, AllocationTypesAreTold) {
  ObservedModel model("builtin_chain");
  SignatureRunner runner = model.runner();
  runner.run();
  const SubgraphDescription& main = model.interface().subgraphs.front();
  const ModelContents contents = ModelContents::read(read_model("builtin_chain")->bytes().span());
  const auto is_in = [](const std::vector<std::int32_t>& list, std::size_t index) {
    return std::ranges::find(list, static_cast<std::int32_t>(index)) != list.end();
  };
  for (std::size_t i = 0; i < main.tensors.size(); ++i) {
    const AllocationType type = tensor_of(model, i).allocation_type;
    if (is_in(main.inputs, i) || is_in(main.outputs, i)) {
      EXPECT_EQ(type, AllocationType::custom) << i << ": memory that was registered";
    } else if (!contents.subgraphs.front().tensors[i].constant.empty()) {
      EXPECT_EQ(type, AllocationType::mmap_read_only) << i << ": a constant";
    } else {
      EXPECT_EQ(type, AllocationType::arena) << i << ": what one kernel leaves for the next";
    }
  }
}

TEST(RuntimeContract, VariablesLieInMemoryOfTheirOwn) {
  ObservedModel model("svdf", builtin_kernels());
  (void)model.runner();
  const ModelContents contents = ModelContents::read(read_model("svdf")->bytes().span());
  int variables = 0;
  for (std::size_t i = 0; i < contents.subgraphs.front().tensors.size(); ++i) {
    if (!contents.subgraphs.front().tensors[i].is_variable) continue;
    ++variables;
    const Tensor& tensor = tensor_of(model, i);
    EXPECT_TRUE(tensor.is_variable);
    EXPECT_EQ(tensor.allocation_type, AllocationType::arena_persistent);
    EXPECT_NE(tensor.data, nullptr);
  }
  EXPECT_GT(variables, 0);
}

TEST(RuntimeContract, ShapesThatARunTellsAreDynamic) {
  ObservedModel model("where", builtin_kernels());
  (void)model.runner();
  const std::int32_t output = model.interface().subgraphs.front().outputs.front();
  EXPECT_EQ(model.graph().tensor(output).allocation_type, AllocationType::dynamic);
}

TEST(RuntimeContract, AcceleratorsAreAppliedInTheOrderOfRegistration) {
  // The observer is registered last, and sees the nodes that XNNPACK has put in.
  const ObservedModel model("delegated_chain");
  const std::vector<PlannedNode> plan = model.graph().plan();
  ASSERT_EQ(plan.size(), 1U);
  EXPECT_NE(plan.front().node->delegate, nullptr);
}

TEST(RuntimeContract, XnnpackNamesItsKernel) {
  const ObservedModel model("delegated_chain");
  EXPECT_EQ(kernel_name(model.graph(), model.graph().plan().front()), "TfLiteXNNPackDelegate");
}

TEST(RuntimeContract, XnnpackTellsWhichNodesItReplaces) {
  const ObservedModel model("delegated_chain");
  const Delegation delegation = Delegation::of(model.graph());
  ASSERT_EQ(delegation.partitions.size(), 1U);
  EXPECT_EQ(delegation.partitions.front().operators.size(), model.interface().subgraphs.front().operators.size());
}

TEST(RuntimeContract, XnnpackCanBeMadeToTakeOperatorsOneByOne) {
  CompileOptions options;
  options.xnnpack_nodes = XnnpackNodes::single;
  const auto model = compile("delegated_chain", options);
  EXPECT_EQ(model->delegation(0)->partitions.size(), model->interface().subgraphs.front().operators.size());
}

TEST(RuntimeContract, ExchangedKernelsAreCalled) {
  ObservedModel model("builtin_chain");
  SignatureRunner runner = model.runner(false);
  static int calls = 0;
  static abi::tflite::Invoke* original = nullptr;
  calls = 0;
  abi::tflite::Registration* registration = model.graph().plan().front().registration;
  original = registration->invoke;
  registration->invoke = [](abi::tflite::Context* context, abi::tflite::Node* node) {
    ++calls;
    return original(context, node);
  };
  runner.run();
  registration->invoke = original;
  EXPECT_GE(calls, 1);
}

}  // namespace
}  // namespace zerolite::tests

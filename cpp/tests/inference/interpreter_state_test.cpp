#include "zerolite/inference/interpreter_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_models.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::ElementsAre;

class InterpreterStateTest : public testing::Test {
 protected:
  InterpreterState& load(std::string_view name, const CompileOptions& options = {}) {
    model_ = read_model(name);
    contents_ = ModelContents::read(model_->bytes().span());
    compiled_ = std::make_unique<CompiledModel>(model_, options);
    graph_ = std::make_unique<InterpreterState>(*model_, contents_, 0, compiled_.get());
    return *graph_;
  }
  [[nodiscard]] std::size_t input() const {
    return static_cast<std::size_t>(model_->interface().subgraphs.front().inputs.front());
  }
  [[nodiscard]] std::size_t output() const {
    return static_cast<std::size_t>(model_->interface().subgraphs.front().outputs.front());
  }

  std::shared_ptr<const Model> model_;
  ModelContents contents_;
  std::unique_ptr<CompiledModel> compiled_;
  std::unique_ptr<InterpreterState> graph_;
};

TEST_F(InterpreterStateTest, HaveNoMemoryBeforeTheyAreAllocated) {
  InterpreterState& graph = load("dense_2layer");
  EXPECT_FALSE(graph.is_allocated());
  EXPECT_FALSE(graph.memory(input()).has_value());
  EXPECT_THROW((void)graph.runner(), Error);
  for (std::size_t i = 0; i < graph.count(); ++i) {
    if (!graph.details(i)->constant.empty()) {
      EXPECT_FALSE(graph.memory(i)->writable);
    }
  }
  graph.allocate();
  ASSERT_TRUE(graph.memory(input()).has_value());
  EXPECT_EQ(graph.memory(input())->size, 64 * sizeof(float));
  EXPECT_TRUE(graph.memory(input())->writable);
  EXPECT_NE(graph.memory(input())->owner, nullptr);
  graph.runner().run();
}

TEST_F(InterpreterStateTest, TakeAShapeForTheNextAllocation) {
  InterpreterState& graph = load("dense_2layer");
  graph.allocate();
  graph.resize(input(), {1, 64});
  EXPECT_TRUE(graph.is_allocated());  // the shape that it has
  graph.resize(input(), {5, 64});
  EXPECT_FALSE(graph.is_allocated());
  EXPECT_THAT(graph.shape(input()), ElementsAre(5, 64));
  EXPECT_THAT(graph.shape(output()), ElementsAre(1, 10));
  EXPECT_FALSE(graph.memory(input()).has_value());
  EXPECT_TRUE(graph.memory(output()).has_value());
  graph.allocate();
  EXPECT_THAT(graph.shape(output()), ElementsAre(5, 10));
  EXPECT_EQ(graph.memory(input())->size, std::size_t{5} * 64 * sizeof(float));
}

TEST_F(InterpreterStateTest, KeepAShapeThatTheGraphDoesNotTake) {
  InterpreterState& graph = load("dense_2layer");
  graph.resize(input(), {1, 63});
  EXPECT_THROW(graph.allocate(), Error);
  EXPECT_FALSE(graph.is_allocated());
  EXPECT_THAT(graph.shape(input()), ElementsAre(1, 63));
  graph.resize(input(), {2, 64});
  graph.allocate();
  EXPECT_THAT(graph.shape(output()), ElementsAre(2, 10));
}

TEST_F(InterpreterStateTest, RefuseShapesThatCannotBe) {
  InterpreterState& graph = load("dense_2layer");
  graph.allocate();
  EXPECT_THROW(graph.resize(input(), {-1, 64}), Error);
  EXPECT_FALSE(graph.is_allocated());
  graph.allocate();
  EXPECT_THROW(graph.resize(output(), {7, 7}), Error);
  for (std::size_t i = 0; i < graph.count(); ++i) {
    if (graph.details(i) != nullptr && !graph.details(i)->constant.empty()) {
      EXPECT_THROW(graph.resize(i, {1}), Error);
    }
  }
}

TEST_F(InterpreterStateTest, TellOfTensorsThatKernelsAdd) {
  InterpreterState& graph = load("small_cnn", builtin_kernels());
  const std::size_t in_file = graph.count();
  graph.allocate();
  EXPECT_GT(graph.count(), in_file);
  EXPECT_EQ(graph.details(in_file), nullptr);
  EXPECT_TRUE(graph.delegated_nodes().empty());
}

TEST_F(InterpreterStateTest, TellWhatADelegateTook) {
  InterpreterState& graph = load("dense_2layer");
  EXPECT_TRUE(graph.delegated_nodes().empty());
  graph.allocate();
  ASSERT_EQ(graph.delegated_nodes().size(), 1U);
  EXPECT_EQ(graph.delegated_nodes().front().name, "TfLiteXNNPackDelegate");
}

TEST_F(InterpreterStateTest, GiveFactsOfAModelThatCouldNotBeCompiled) {
  model_ = read_model("unknown_custom_op");
  contents_ = ModelContents::read(model_->bytes().span());
  InterpreterState graph(*model_, contents_, 0, nullptr);
  EXPECT_EQ(graph.shape(input()), model_->interface().subgraphs.front().tensors[input()].shape);
  EXPECT_FALSE(graph.memory(input()).has_value());
  EXPECT_THROW(graph.allocate(), Error);
}

}  // namespace
}  // namespace zerolite::tests

#include "zerolite/graph/graph_observer.hpp"

#include <gtest/gtest.h>

#include "support/observed_model.hpp"
#include "support/test_models.hpp"
#include "zerolite/compilation/environment.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite::tests {
namespace {

TEST(GraphObserverTest, SeesEverySubgraphOfASignature) {
  const ObservedModel model("multi_signature");
  for (const SignatureDescription& signature : model.interface().signatures) {
    const CapturedGraph* graph = model.observer().graph(signature.subgraph);
    ASSERT_NE(graph, nullptr) << signature.key;
    for (const SignatureDescription& other : model.interface().signatures) {
      if (other.subgraph == signature.subgraph) continue;
      EXPECT_NE(graph->context(), model.observer().graph(other.subgraph)->context());
    }
  }
}

TEST(GraphObserverTest, HasNothingBeforeAModelIsCompiledAndBeyondItsSubgraphs) {
  const GraphObserver observer(1, nullptr);
  EXPECT_EQ(observer.graph(0), nullptr);
  EXPECT_EQ(observer.graph(1), nullptr);
}

TEST(GraphObserverTest, EachModelHasItsOwn) {
  const ObservedModel first("dense_2layer");
  const ObservedModel second("dense_2layer");
  EXPECT_NE(first.graph().context(), second.graph().context());
}

TEST(GraphObserverTest, LeavesModelsOfOthersAlone) {
  // Compiled in the same environment, without an observer in the options.
  const std::shared_ptr<const Model> model = read_model("dense_2layer");
  const OptionsHandle options = CompileOptions{}.to_runtime();
  const LogCapture log;
  abi::CompiledModel compiled = nullptr;
  require_ok(runtime().CreateCompiledModel(Environment::cpu().handle(), model->handle(), options.get(), &compiled),
             "compile the model", log);
  const CompiledModelHandle handle(compiled);
  EXPECT_NE(handle, nullptr);
}

}  // namespace
}  // namespace zerolite::tests

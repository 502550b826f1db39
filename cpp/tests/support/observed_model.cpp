#include "support/observed_model.hpp"

#include "support/test_models.hpp"
#include "zerolite/compilation/compile_model.hpp"
#include "zerolite/compilation/environment.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite::tests {

ObservedModel::ObservedModel(std::string_view name, const CompileOptions& options)
    : model_(read_model(name)), signature_(interface().default_signature()), observer_(make_observer(*model_)) {
  const OptionsHandle runtime_options = options.to_runtime();
  observer_.attach_to(runtime_options.get());
  const LogCapture log;
  abi::CompiledModel compiled = nullptr;
  require_ok(
      runtime().CreateCompiledModel(Environment::cpu().handle(), model_->handle(), runtime_options.get(), &compiled),
      "compile the model", log);
  compiled_.reset(compiled);
}

const CapturedGraph& ObservedModel::graph() const {
  const CapturedGraph* graph = observer_.graph(subgraph());
  if (graph == nullptr) throw Error("the graph was not captured");
  return *graph;
}

SignatureRunner ObservedModel::runner(bool direct_allowed) {
  return {compiled_.get(), signature_, *model_, graph(), direct_allowed};
}

}  // namespace zerolite::tests

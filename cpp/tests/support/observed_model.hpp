// A model that is compiled as CompiledModel does it, with its parts in sight.
#pragma once

#include <memory>
#include <string_view>

#include "zerolite/compilation/compile_options.hpp"
#include "zerolite/execution/signature_runner.hpp"
#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/runtime/handle.hpp"

namespace zerolite::tests {

class ObservedModel {
 public:
  explicit ObservedModel(std::string_view name, const CompileOptions& options = {});

  [[nodiscard]] const ModelInterface& interface() const { return model_->interface(); }
  [[nodiscard]] const GraphObserver& observer() const { return observer_; }
  // The graph of the default signature.
  [[nodiscard]] const CapturedGraph& graph() const;
  // For the default signature; of the model, not of the caller.
  [[nodiscard]] SignatureRunner runner(bool direct_allowed = true);

 private:
  [[nodiscard]] std::size_t subgraph() const { return interface().signatures[signature_].subgraph; }

  std::shared_ptr<const Model> model_;
  std::size_t signature_;
  GraphObserver observer_;
  CompiledModelHandle compiled_;
};

}  // namespace zerolite::tests

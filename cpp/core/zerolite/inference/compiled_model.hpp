// A model that is ready to run.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/cache/weight_cache.hpp"
#include "zerolite/compilation/compile_model.hpp"
#include "zerolite/compilation/compile_options.hpp"
#include "zerolite/compilation/operator_origins.hpp"
#include "zerolite/delegates/delegate_registry.hpp"
#include "zerolite/execution/signature_runner.hpp"
#include "zerolite/graph/delegation.hpp"
#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/graph/resource_variables.hpp"
#include "zerolite/inference/model_lock.hpp"
#include "zerolite/instrumentation/run_profile.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/handle.hpp"

namespace zerolite {

class CompiledModel {
 public:
  // Throws Error when the runtime can't compile the model, DelegateError when a delegate is the reason.
  CompiledModel(std::shared_ptr<const Model> model, CompileOptions options);
  // A replica: over the same bytes, with options of its own.
  CompiledModel(const CompiledModel& original, const CompileOptions& options);
  // Destroys nothing when a fork has lost the model, see model_lock.hpp: that would wait for ever.
  ~CompiledModel();
  CompiledModel(const CompiledModel&) = delete;
  CompiledModel& operator=(const CompiledModel&) = delete;

  [[nodiscard]] const std::shared_ptr<const Model>& model() const { return model_; }
  // What was compiled: the model, a copy with dequantized weights, or what an NPU's compiler has made of one of them.
  // It has the same signatures.
  [[nodiscard]] const std::shared_ptr<const Model>& executed_model() const { return compilation_.executed; }
  [[nodiscard]] const ModelInterface& interface() const { return executed_model()->interface(); }
  [[nodiscard]] const CompileOptions& options() const { return options_; }
  // What dequantized weights take, for all replicas: a copy of the model that has them. 0 when there are none.
  [[nodiscard]] std::size_t dequantized_bytes() const { return source_ == model_ ? 0 : source_->size(); }

  [[nodiscard]] const GraphObserver& observer() const { return *observer_; }

  // Prepares the default signature, so that what can't be prepared is refused here and not at its first use, and keeps
  // packed weights in their file. Throws Error and FileError.
  void prepare();

  // Signatures share tensors and variables, so whoever uses one holds the lock.
  [[nodiscard]] ModelLock& lock() { return lock_; }
  // Needs the lock. Throws Error after close().
  [[nodiscard]] SignatureRunner& signature(std::size_t index) {
    // The same signature as the last time, which is nearly always so, needs no further look.
    const bool is_last = index == last_index_ && last_runner_ != nullptr && !last_runner_->is_spent();
    return is_last ? *last_runner_ : switch_to(index);
  }
  // The runner of a signature that was used before, without using it.
  [[nodiscard]] SignatureRunner* known_runner(std::size_t index) const { return runners_[index].get(); }
  // Needs the lock. As InputShapes::resize; what XNNPACK refuses is told in the words of the builtin kernels, which
  // name the operator and its sizes.
  void resize(std::size_t index, std::span<const ResizeRequest> requests, EmptyShapes empty_shapes);
  // The operators that a delegation tells of: the model's, also where an NPU's compiler made one of several, as long as
  // it can be told which.
  [[nodiscard]] const ModelInterface& delegated_operators() const {
    return origins_ ? model_->interface() : interface();
  }
  // Needs the lock. Where a subgraph's operators run; nothing for a subgraph that the runtime did not show. Throws
  // Error after close().
  [[nodiscard]] std::optional<Delegation> delegation(std::size_t subgraph) const;
  // Needs the lock. Runs a signature over its memory by the runtime's own call, and tells the time of every node; what
  // is inside a node of XNNPACK only when the model was compiled with profiling. Throws Error when a kernel fails.
  RunProfile profile_run(std::size_t index);
  // What carries values from run to run. Tables that are filled once and only read are none of it.
  enum class State { none, tensors, resources };
  [[nodiscard]] State state() const { return state_; }
  // Needs the lock, and graphs that are prepared. Throws Error where a delegate, another process or a runtime that is
  // not known keeps them to itself.
  [[nodiscard]] ResourceVariables& resources();
  // Needs the lock. Puts the variables of all signatures back to what they are in a model just loaded; memory and
  // shapes stay. What resources hold there only such a model tells: it is compiled anew, which makes new runners.
  // Throws Error when that fails, and then nothing has changed.
  void reset_state();
  // Delegates that the model goes without, because they failed or are not there, and the fallback is allowed.
  [[nodiscard]] const std::vector<UnusedDelegate>& unused_delegates() const { return unused_delegates_; }
  // Needs the lock. Gives everything back but the memory that views hold. What it returns may own the caller's bound
  // memory, and is to be destroyed without the lock.
  std::vector<std::unique_ptr<SignatureRunner>> close();
  // Needs no lock, so that nobody waits for a run to know.
  [[nodiscard]] bool is_closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  // What replicas have made of a model before, as far as it can be used again; null else.
  struct MadeBefore {
    std::shared_ptr<const Model> source;
    std::shared_ptr<const Model> compiled_for_npu;
  };
  static MadeBefore made_for(const CompiledModel& original, const CompileOptions& options);

  CompiledModel(std::shared_ptr<const Model> model, CompileOptions options, const MadeBefore& before);

  SignatureRunner& switch_to(std::size_t index);
  [[nodiscard]] std::string explain_refusal(const PreparationError& error, std::size_t index,
                                            std::span<const ResizeRequest> requests, EmptyShapes empty_shapes);
  void require_open() const;
  void require_complete() const;
  [[nodiscard]] State find_state() const;
  void compile_anew();
  void keep_first_values();
  // False where none were kept.
  [[nodiscard]] bool write_first_values();
  // Where shapes that XNNPACK could not take have left a runner that must not be resized; see InputShapes. Makes new
  // runners, and keeps the values of variables. Throws Error where they are out of reach.
  void replace_spent_runners();

  // In this order, so that they go in the opposite one: the compiled model uses all that stands before it.
  std::shared_ptr<const Model> model_;
  // The model with its weights in the form that was asked for, from which all else is made.
  std::shared_ptr<const Model> source_;
  CompileOptions options_;
  std::unique_ptr<GraphObserver> observer_;
  std::unique_ptr<DelegateRegistry> delegates_;
  std::optional<WeightCache> weight_cache_;
  Compilation compilation_;
  std::optional<OperatorOrigins> origins_;  // only where the executed model is another one
  std::vector<UnusedDelegate> unused_delegates_;
  State state_;
  std::optional<ResourceVariables> resources_;              // once somebody has asked for them
  std::optional<std::vector<VariableValue>> first_values_;  // of resources, once they were reset
  std::vector<std::unique_ptr<SignatureRunner>> runners_;
  std::vector<SignatureRunner*> users_;  // by subgraph, who used it last
  std::size_t last_index_ = 0;
  SignatureRunner* last_runner_ = nullptr;
  std::atomic<bool> closed_ = false;
  ModelLock lock_;
};

}  // namespace zerolite

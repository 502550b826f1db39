// What a compiled model carries from run to run: found, put back to its start, and kept where the model is compiled
// anew.
#include <algorithm>
#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include "zerolite/execution/variable_values.hpp"
#include "zerolite/inference/compiled_model.hpp"
#include "zerolite/model/variable_operators.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {

CompiledModel::State CompiledModel::find_state() const {
  if (const isolated::RemoteModel* remote = options_.remote_model()) {
    return remote->keeps_state() ? State::resources : State::none;
  }
  if (assigns_variables(interface())) return State::resources;
  for (std::size_t subgraph = 0; subgraph < observer_->subgraph_count(); ++subgraph) {
    const CapturedGraph* graph = observer_->graph(subgraph);
    if (graph == nullptr || !VariableValues::occur_as_tensors_in(*graph)) continue;
    // Whose memory nobody shows is as far as that of resources.
    return graph->is_declared() ? State::resources : State::tensors;
  }
  return State::none;
}

ResourceVariables& CompiledModel::resources() {
  require_open();
  if (options_.remote_model() != nullptr) {
    throw Error(model_->name() +
                " keeps its state in the process that it runs in, which does not show it; reset() puts it back to its "
                "start");
  }
  RuntimeLibrary::get().require_known("to read and write variables");
  if (!resources_) resources_.emplace(*observer_, *executed_model());
  return *resources_;
}

void CompiledModel::reset_state() {
  require_open();
  if (isolated::RemoteModel* remote = options_.remote_model()) {
    remote->reset();
    return;
  }
  if (state_ == State::none) return;
  if (state_ == State::resources && !write_first_values()) {
    compile_anew();
    keep_first_values();
    return;
  }
  for (std::size_t subgraph = 0; subgraph < observer_->subgraph_count(); ++subgraph) {
    if (const CapturedGraph* graph = observer_->graph(subgraph)) VariableValues::reset(*graph);
  }
}

// Of a model that nothing was run with since it was compiled.
void CompiledModel::keep_first_values() {
  try {
    resources().initialize();
    if (resources().are_complete()) first_values_ = resources().read();
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): then the next reset compiles anew, too
  }
}

bool CompiledModel::write_first_values() {
  if (!first_values_) return false;
  const std::vector<VariableValue>& values = *first_values_;
  resources().write(values);
  return true;
}

void CompiledModel::compile_anew() {
  CompiledModel fresh(*this, options_);
  fresh.prepare();
  std::vector<std::vector<ResizeRequest>> resized(runners_.size());
  for (std::size_t i = 0; i < runners_.size(); ++i) {
    if (runners_[i]) resized[i] = fresh.signature(i).resized_in(*runners_[i]);
  }
  // From here on nothing can fail.
  for (std::size_t i = 0; i < runners_.size(); ++i) {
    if (runners_[i]) fresh.runners_[i]->replace(*runners_[i], std::move(resized[i]));
  }
  std::swap(options_.custom_operators, fresh.options_.custom_operators);
  if (options_.custom_operators != nullptr) options_.custom_operators->set_lock(&lock_);
  std::swap(observer_, fresh.observer_);
  std::swap(delegates_, fresh.delegates_);
  std::swap(compilation_.compiled, fresh.compilation_.compiled);
  // Nearly always the same, and then not touched: it is read without the lock.
  if (compilation_.executed != fresh.compilation_.executed)
    std::swap(compilation_.executed, fresh.compilation_.executed);
  std::swap(runners_, fresh.runners_);
  std::swap(users_, fresh.users_);
  resources_.reset();
  last_runner_ = nullptr;
}

void CompiledModel::replace_spent_runners() {
  if (std::ranges::none_of(runners_, [](const auto& runner) { return runner != nullptr && runner->is_spent(); }))
    return;
  std::vector<VariableValue> resource_values;
  if (state_ == State::resources) {
    try {
      resources().initialize();
      resource_values = resources().read();
    } catch (const Error&) {
      throw Error(model_->name() +
                  ": the runtime could not take the shapes of an earlier resize or run, and is made anew for others, "
                  "which the values of the variables would not survive; call reset() first, which gives them up");
    }
  }
  std::vector<VariableValues> values(observer_->subgraph_count());
  const auto for_each_graph = [this](const auto& visit) {
    for (std::size_t subgraph = 0; subgraph < observer_->subgraph_count(); ++subgraph) {
      if (const CapturedGraph* graph = observer_->graph(subgraph)) visit(subgraph, *graph);
    }
  };
  for_each_graph([&](std::size_t subgraph, const CapturedGraph& graph) { values[subgraph] = VariableValues(graph); });
  compile_anew();
  for_each_graph([&](std::size_t subgraph, const CapturedGraph& graph) { values[subgraph].restore(graph); });
  if (state_ != State::resources) return;
  resources().initialize();
  resources().write(resource_values);
}

}  // namespace zerolite

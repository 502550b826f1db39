#include "zerolite/execution/dispatcher.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "zerolite/execution/deferred_outputs.hpp"
#include "zerolite/execution/output_layouts.hpp"
#include "zerolite/instrumentation/node_interception.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

// The runtime's own work, which a direct run saves, takes about a microsecond: 0.1% of a run of this length.
constexpr double kLongRun = 1e-3;
// Files below have so few weights that a run of this length would be an accident.
constexpr std::size_t kLargeFile = std::size_t{1} << 20;

}  // namespace

Dispatcher::Dispatcher(const CompiledSignature& signature, SignatureMemory& memory, bool direct_allowed)
    : signature_(signature),
      memory_(memory),
      runtime_call_(signature.compiled, signature.index, signature.graph, memory.positions(signature.subgraph.inputs),
                    memory.positions(signature.subgraph.outputs)),
      direct_allowed_(direct_allowed),
      compared_(signature.custom_operators != nullptr),
      may_be_slow_(signature.file_size >= kLargeFile) {}

void Dispatcher::note_allocation() noexcept {
  forget_plan();
  weighed_runs_ = 0;
  regular_seconds_ = std::numeric_limits<double>::infinity();
  memory_.note_allocation();
  has_dynamic_outputs_ = DeferredOutputs::has_dynamic(signature_.graph);
  has_late_outputs_ = DeferredOutputs::has_late(signature_.graph, memory_.computed_outputs());
}

Dispatch Dispatcher::dispatch() const {
  if (signature_.graph.is_declared()) {
    return {false, "zerolite does not know the inside of this LiteRT, and uses its public interface alone"};
  }
  if (!direct_allowed_) return {false, "ZEROLITE_DISPATCH=runtime asks for the runtime's own call"};
  switch (state_) {
    case State::untimed:
    case State::direct:
      return {true, "the prepared plan is called without the runtime"};
    case State::runtime:
      return {false, unsupported_reason_};
    case State::unprepared:
      break;
  }
  return {false, "the next run prepares the plan"};
}

void Dispatcher::throw_kernel_failure(const std::string& message) const {
  throw Error(signature_.model_name + ": running signature '" + signature_.description.key + "' failed" +
              (message.empty() ? "" : ": " + message));
}

// What the runtime asks before each node.
struct Dispatcher::NodeWatch {
  DeferredOutputs* outputs = nullptr;
  Interruption* interruption = nullptr;

  static bool before_node(void* self) {
    if (self == nullptr) return false;
    const auto& watch = *static_cast<NodeWatch*>(self);
    (void)DeferredOutputs::before_node(watch.outputs);
    return watch.interruption != nullptr && watch.interruption->is_due();
  }
};

void Dispatcher::run(Interruption& interruption) {
  interruption_ = &interruption;
  const InterruptionScope scope(interruption);
  try {
    run();
  } catch (...) {
    interruption_ = nullptr;
    throw;
  }
  interruption_ = nullptr;
}

bool Dispatcher::invoke_plan() const { return interruption_ == nullptr ? plan_.run() : plan_.run(*interruption_); }

void Dispatcher::run_plan() {
  const LogCapture log;
  if (!invoke_plan()) throw_kernel_failure(log.message());
}

void Dispatcher::run_timed() {
  const auto begin = std::chrono::steady_clock::now();
  run_plan();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  direct_seconds_ = std::min(direct_seconds_, taken.count());
  if (++timed_runs_ == kTimedRuns) state_ = State::direct;
}

void Dispatcher::invoke_runtime() {
  const LogCapture log;
  NodeWatch watch{nullptr, interruption_};
  std::optional<DeferredOutputs> outputs;
  if (has_dynamic_outputs_ || has_late_outputs_) {
    using Kind = DeferredOutputs::Kind;
    outputs.emplace(signature_.graph, memory_.computed_outputs(), has_dynamic_outputs_ ? Kind::dynamic : Kind::late);
    watch.outputs = &*outputs;
  }
  std::optional<NodeHook> hook;
  if (outputs || interruption_ != nullptr) hook = NodeHook{&NodeWatch::before_node, &watch};
  const abi::Status status = runtime_call_.run(memory_.bindings(), hook);
  outputs.reset();
  if (status != abi::Status::ok) throw_kernel_failure(log.message());
}

void Dispatcher::invoke_and_grow() {
  // Only strings are written into the memory of ours then; see DeferredOutputs.
  const auto outputs = has_dynamic_outputs_ ? SignatureMemory::Outputs::strings : SignatureMemory::Outputs::all;
  try {
    invoke_runtime();
  } catch (const Error&) {
    // The runtime fails when an output does not fit into its buffer (LiteRT 2.3.0). For strings, and for graphs that
    // could not be prepared before, the size is known only now.
    if (is_interrupted() || !memory_.grow(outputs)) throw;
    invoke_runtime();
  }
}

void Dispatcher::run_regular() {
  // Some shapes turn out to be unknown only when a kernel runs, also in a run that fails.
  const auto note_dynamic_outputs = [this] {
    has_dynamic_outputs_ = has_dynamic_outputs_ || DeferredOutputs::has_dynamic(signature_.graph);
  };
  memory_.part_with_given_away();
  try {
    invoke_and_grow();
  } catch (...) {
    note_dynamic_outputs();
    throw;
  }
  note_dynamic_outputs();
  if (signature_.graph.is_declared()) require_declared_shapes();
  memory_.collect_outputs();
}

// The values of an output that turned out to have another shape lie in memory that does not fit it.
void Dispatcher::require_declared_shapes() const {
  const std::vector<std::int32_t>& outputs = signature_.subgraph.outputs;
  if (outputs.empty()) return;
  OutputLayouts layouts(signature_);
  const LogCapture log;
  const abi::Status status = layouts.ask(false);
  if (status != abi::Status::ok) throw_kernel_failure(failure(status, "tell its outputs' shapes", log));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<std::int32_t> expected = signature_.graph.shape(outputs[i]);
    const std::vector<std::int32_t> shape = layouts.shape(i);
    if (shape == expected) continue;
    RuntimeLibrary::get().require_known(
        signature_.model_name + ": tensor '" + std::string(name_of(signature_.graph.tensor(outputs[i]))) +
        "' came out with the shape " + to_string(shape) + " and not " + to_string(expected) + "; that");
  }
}

void Dispatcher::run() {
  if (state_ == State::direct) {
    run_plan();
    return;
  }
  if (state_ == State::runtime) {
    run_regular();
    return;
  }
  if (state_ == State::untimed) {
    run_timed();
    return;
  }
  if (has_late_outputs_) {
    // The sizes are known only now. The next run registers buffers that fit.
    run_regular();
    has_late_outputs_ = false;
    return;
  }
  const bool compare = direct_allowed_ && !compared_ && !signature_.graph.is_declared();
  if (compare && may_be_slow_) {
    run_and_weigh();
    return;
  }
  const Before before =
      compare ? Before{VariableValues(signature_.graph), SignatureMemory::OverwrittenInputs(memory_)} : Before();
  run_regular();
  // If memory runs out here, all this is done again after the next run.
  State settled = settle();
  if (settled == State::untimed && compare) {
    if (!direct_run_agrees(before)) {
      if (is_interrupted()) throw_kernel_failure("it was interrupted");
      unsupported_reason_ = "a direct run gave other results than the runtime's own call";
      settled = State::runtime;
    }
    compared_ = true;
  }
  state_ = settled;
}

void Dispatcher::run_and_weigh() {
  const auto begin = std::chrono::steady_clock::now();
  run_regular();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  regular_seconds_ = std::min(regular_seconds_, taken.count());
  if (regular_seconds_ < kLongRun) {
    may_be_slow_ = false;  // the next run is proven
  } else if (++weighed_runs_ == kTimedRuns) {
    unsupported_reason_ = "a run takes longer than a millisecond, beside which the runtime's own work is nothing";
    state_ = State::runtime;
  }
}

Dispatcher::State Dispatcher::settle() {
  if (!direct_allowed_ || signature_.graph.is_declared()) return State::runtime;
  const std::vector<PlannedNode> nodes = signature_.graph.plan();
  unsupported_reason_ =
      DirectPlan::unsupported_reason(signature_.graph, nodes, memory_.bindings(), signature_.custom_operators);
  if (!unsupported_reason_.empty()) return State::runtime;
  plan_ = DirectPlan(signature_.graph, nodes, memory_.bindings());
  timed_runs_ = 0;
  direct_seconds_ = std::numeric_limits<double>::infinity();
  return State::untimed;
}

bool Dispatcher::direct_run_agrees(const Before& before) {
  const CapturedGraph& graph = signature_.graph;
  const VariableValues variables_after(graph);
  const std::size_t count = memory_.count(Side::output);
  std::vector<std::vector<std::byte>> expected;
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<const std::byte> bytes = memory_.binding(Side::output, i).bytes();
    expected.emplace_back(bytes.begin(), bytes.end());
  }
  before.variables.restore(graph);
  before.inputs.restore();
  bool agrees = true;
  {
    const LogCapture log;
    agrees = invoke_plan();
  }
  agrees = agrees && VariableValues(graph) == variables_after;
  for (std::size_t i = 0; i < count && agrees; ++i) {
    agrees = std::ranges::equal(expected[i], memory_.binding(Side::output, i).bytes());
  }
  if (!agrees) {
    variables_after.restore(graph);
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(memory_.binding(Side::output, i).data(), expected[i].data(), expected[i].size());
    }
  }
  return agrees;
}

void Dispatcher::run_instrumented(const GraphObserver& observer, NodeListener& listener) {
  if (signature_.graph.is_declared()) RuntimeLibrary::get().require_known("to hear of every node of a run");
  // The plan that a direct run calls must not be read while its kernels are replaced.
  forget_plan();
  const NodeInterception interception(observer, listener);
  try {
    listener.begin_run();
    run_regular();
    listener.end_run();
  } catch (...) {
    interception.rethrow_listener_error();
    throw;
  }
  has_late_outputs_ = false;
}

}  // namespace zerolite

// How a signature is run: through the runtime's own call, or directly where that comes to the same.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "zerolite/execution/compiled_signature.hpp"
#include "zerolite/execution/direct_plan.hpp"
#include "zerolite/execution/runtime_call.hpp"
#include "zerolite/execution/signature_memory.hpp"
#include "zerolite/execution/variable_values.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace zerolite {

class GraphObserver;
class NodeListener;

// How the next run is made, and why.
struct Dispatch {
  bool direct = false;
  std::string reason;
};

// The first run after an allocation is a regular one, by the runtime's call. The plan is read after it, and called
// directly from then on; the very first direct run is compared with a regular one. Models whose runs take so long that
// this would gain nothing stay with the runtime's call, so that their first run is not made twice. Nor is one with
// kernels of the user's, which may keep state: their plans are called directly without the comparison.
class Dispatcher {
 public:
  Dispatcher(const CompiledSignature& signature, SignatureMemory& memory, bool direct_allowed);
  ~Dispatcher() = default;
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Nothing but direct runs come until the next allocation.
  [[nodiscard]] bool is_settled_direct() const { return state_ == State::direct; }
  // Needs is_settled_direct(). Copies nothing and allocates nothing. Throws Error when a kernel fails.
  void run_direct() {
    const LogCapture log;
    if (!plan_.run()) throw_kernel_failure(log.message());
  }
  // A run as the state asks for it. Throws Error when a kernel fails.
  void run();
  // The same, and throws Error when the interruption was due before the run had ended.
  void run(Interruption& interruption);
  // A run by the runtime's own call, of which `listener` hears every node of every graph. The next run prepares anew.
  void run_instrumented(const GraphObserver& observer, NodeListener& listener);

  // The next run is a direct one.
  [[nodiscard]] bool is_direct() const { return state_ == State::direct || state_ == State::untimed; }
  // How long the shortest of the first direct runs took, in seconds: a single one may have met cold caches, or another
  // process. Infinite before the first.
  [[nodiscard]] double direct_seconds() const { return direct_seconds_; }
  [[nodiscard]] Dispatch dispatch() const;
  // The shapes of the outputs are known before a run.
  [[nodiscard]] bool knows_output_shapes() const { return !has_dynamic_outputs_ && !has_late_outputs_; }
  // Some output's shape is known only after a run.
  [[nodiscard]] bool has_dynamic_outputs() const { return has_dynamic_outputs_; }

  // Before the graph changes: a plan that is called as it was would read what has moved.
  void forget_plan() noexcept { state_ = State::unprepared; }
  // After the graph was allocated anew.
  void note_allocation() noexcept;
  // After a binding has got other memory of the same size.
  void follow(std::size_t position) const {
    if (is_direct()) plan_.point(position, memory_.bindings()[position].data());
  }

 private:
  struct NodeWatch;
  enum class State {
    unprepared,  // the next run is a regular one, after which the plan is read anew
    untimed,     // runs are direct, and are timed, the first few
    direct,
    runtime,
  };

  [[nodiscard]] bool invoke_plan() const;
  void run_plan();
  void run_timed();
  void run_regular();
  void invoke_and_grow();
  void require_declared_shapes() const;
  void invoke_runtime();
  [[nodiscard]] bool is_interrupted() const { return interruption_ != nullptr && interruption_->is_due(); }
  [[nodiscard]] State settle();
  void run_and_weigh();
  // What a run changes, as it was before the regular one.
  struct Before {
    VariableValues variables;
    SignatureMemory::OverwrittenInputs inputs;
  };
  bool direct_run_agrees(const Before& before);
  [[noreturn]] void throw_kernel_failure(const std::string& message) const;

  const CompiledSignature& signature_;
  SignatureMemory& memory_;
  RuntimeCall runtime_call_;
  State state_ = State::unprepared;
  DirectPlan plan_;
  std::string unsupported_reason_;  // why runs are not direct
  bool direct_allowed_;
  Interruption* interruption_ = nullptr;  // of the run that is under way
  bool compared_;
  bool may_be_slow_;  // nothing tells yet that a direct run is worth its proof
  bool has_dynamic_outputs_ = false;
  bool has_late_outputs_ = false;
  static constexpr int kTimedRuns = 3;
  int timed_runs_ = 0;
  int weighed_runs_ = 0;
  double regular_seconds_ = std::numeric_limits<double>::infinity();  // the shortest of them
  double direct_seconds_ = std::numeric_limits<double>::infinity();
};

}  // namespace zerolite

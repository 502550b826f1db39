#include "zerolite/execution/signature_runner.hpp"
#include "zerolite/instrumentation/node_interception.hpp"

namespace zerolite {

void SignatureRunner::run_observed(const GraphObserver& observer, NodeListener& listener) {
  catch_up();
  // The plan that a direct run calls must not be read while its kernels are replaced.
  state_ = State::unprepared;
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

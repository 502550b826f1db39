#include "zerolite/inference/model_lock.hpp"

#include <pthread.h>

#include "zerolite/operators/running_function.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {

namespace forks {

int count = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

namespace {

// It fails for want of memory only; forks go unnoticed then.
[[maybe_unused]] const int kWatching = pthread_atfork(
    nullptr, nullptr, +[] { ++count; });

}  // namespace
}  // namespace forks

bool ModelLock::is_lost() const {
  const int holder = taken_.load(std::memory_order_relaxed);
  return has_lost_threads() || (holder != kNobody && holder != fork_count());
}

void ModelLock::wait() {
  while (!try_lock()) {
    if (RunningFunction::is_under(this)) {
      throw Error("the function of a custom operator of the model " + model_ +
                  " uses that model, whose run it is a part of; use another one there, as copy.copy(model) makes it");
    }
    if (is_lost()) {
      throw Error("the model " + model_ +
                  (has_lost_threads() ? " computes with threads, which" : " was being used by a thread, which") +
                  " stayed in the parent when this process was forked; load the model again here, or start processes "
                  "with 'spawn'");
    }
    const int holder = taken_.load(std::memory_order_relaxed);
    if (holder != kNobody) taken_.wait(holder, std::memory_order_relaxed);
  }
}

}  // namespace zerolite

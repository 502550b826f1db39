// Functions of the program that a run has called, with the run's model locked.
//
// Such a function may run any code, and code that uses the same model would wait for the lock that its own thread
// holds.
#pragma once

#include <atomic>

namespace zerolite {

// The lock of the model that nodes belong to. It changes hands when a model is compiled anew.
using LockOfModel = std::atomic<const void*>;

class RunningFunction {
 public:
  explicit RunningFunction(const LockOfModel& lock) noexcept : lock_(lock.load(std::memory_order_relaxed)) {
    innermost = this;
  }
  ~RunningFunction() { innermost = outer_; }
  RunningFunction(const RunningFunction&) = delete;
  RunningFunction& operator=(const RunningFunction&) = delete;

  // Whether this thread is in a function that a run of the model with this lock has called.
  [[nodiscard]] static bool is_under(const void* lock) noexcept {
    for (const RunningFunction* running = innermost; running != nullptr; running = running->outer_) {
      if (running->lock_ == lock) return true;
    }
    return false;
  }

 private:
  static inline thread_local const RunningFunction* innermost = nullptr;

  const void* lock_;
  const RunningFunction* outer_ = innermost;
};

}  // namespace zerolite

// How long a run may take, and who may stop it before.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>

#include "python/keyboard_interruption.hpp"
#include "zerolite/execution/runtime_call.hpp"

namespace zerolite::bindings {

// Python's zl.RunTimeoutError.
class RunTimeout : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Python's CancelledError.
class RunStopped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Asks runs to end, from any thread and for good.
class StopRequest {
 public:
  void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool is_stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> stopped_ = false;
};

class RunLimits {
 public:
  using Clock = std::chrono::steady_clock;

  RunLimits() = default;
  // `timeout` in seconds from now on, or None. Throws TypeError or ValueError for what is no such number.
  explicit RunLimits(pybind11::handle timeout, std::shared_ptr<const StopRequest> stop = nullptr);

  [[nodiscard]] bool are_set() const { return deadline_ || stop_ != nullptr; }
  [[nodiscard]] bool is_over() const noexcept {
    return (stop_ != nullptr && stop_->is_stopped()) || (deadline_ && Clock::now() >= *deadline_);
  }
  // The earlier of the two times.
  [[nodiscard]] Clock::time_point until(Clock::time_point time) const {
    return deadline_ ? std::min(*deadline_, time) : time;
  }
  // Throws RunStopped or RunTimeout, whichever is the reason, if one is.
  void require_not_over() const;

 private:
  std::optional<Clock::time_point> deadline_;
  double seconds_ = 0;
  std::shared_ptr<const StopRequest> stop_;
};

// Lives for one run, whose thread has given back the GIL.
class LimitedRun : public Interruption {
 public:
  explicit LimitedRun(const RunLimits& limits) : limits_(limits) {}

  [[nodiscard]] bool is_due() noexcept override {
    due_ = due_ || limits_.is_over();
    return due_ || keyboard_.is_due();
  }
  // With the GIL held, after a run that has failed: throws what ended it, when that was not its own doing.
  void raise_if_due() const {
    keyboard_.raise_if_due();
    if (due_) limits_.require_not_over();
  }

 private:
  const RunLimits& limits_;
  KeyboardInterruption keyboard_;
  bool due_ = false;
};

}  // namespace zerolite::bindings

// The lock of a compiled model: as std::mutex, but taken and given back in a few nanoseconds when nobody waits, which
// shows in models whose run takes a few hundred.
#pragma once

#include <atomic>

namespace zerolite {

class ModelLock {
 public:
  ModelLock() = default;
  ~ModelLock() = default;
  ModelLock(const ModelLock&) = delete;
  ModelLock& operator=(const ModelLock&) = delete;

  // NOLINTBEGIN(readability-identifier-naming): the names of the standard's Lockable
  bool try_lock() { return taken_.exchange(1, std::memory_order_acquire) == 0; }
  void lock() {
    while (!try_lock()) taken_.wait(1, std::memory_order_relaxed);
  }
  void unlock() {
    taken_.store(0, std::memory_order_release);
    taken_.notify_one();
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  std::atomic<int> taken_ = 0;
};

}  // namespace zerolite

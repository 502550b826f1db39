// The lock of a compiled model: as std::mutex, but taken and given back in a few nanoseconds when nobody waits, which
// shows in models whose run takes a few hundred; and one that knows when a fork has left its holder in another process.
#pragma once

#include <atomic>
#include <string>
#include <utility>

namespace zerolite {

namespace forks {
// Changed only in a child that is being forked, which has one thread.
extern int count;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
}  // namespace forks

// How many forks lie between the process that loaded this library and the one that runs.
inline int fork_count() { return forks::count; }

class ModelLock {
 public:
  // Whether the model computes with threads of its own, which a fork leaves in the parent.
  enum class Threads : bool { none, own };

  ModelLock(std::string model, Threads threads) : model_(std::move(model)), threads_(threads) {}
  ~ModelLock() = default;
  ModelLock(const ModelLock&) = delete;
  ModelLock& operator=(const ModelLock&) = delete;

  // NOLINTBEGIN(readability-identifier-naming): the names of the standard's Lockable
  bool try_lock() {
    int holder = kNobody;
    return !has_lost_threads() &&
           taken_.compare_exchange_strong(holder, fork_count(), std::memory_order_acquire, std::memory_order_relaxed);
  }
  // Throws Error when a fork has left the model unusable in this process.
  void lock() {
    if (!try_lock()) wait();
  }
  void unlock() {
    taken_.store(kNobody, std::memory_order_release);
    taken_.notify_one();
  }
  // NOLINTEND(readability-identifier-naming)

  // A fork has left behind, in the parent, the model's threads or the thread that was using it. What the model holds is
  // a copy of something half done then, or waits for threads that there are not: it can be neither used nor destroyed.
  [[nodiscard]] bool is_lost() const;

 private:
  static constexpr int kNobody = -1;

  [[nodiscard]] bool has_lost_threads() const { return threads_ == Threads::own && born_ != fork_count(); }
  void wait();

  std::atomic<int> taken_ = kNobody;  // else the count of forks in the process of who holds it
  int born_ = fork_count();
  std::string model_;
  Threads threads_;
};

}  // namespace zerolite

// Somebody who may want to end a run that is under way.
#pragma once

#include <utility>

namespace zerolite {

class Interruption {
 public:
  Interruption() = default;
  virtual ~Interruption() = default;
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // Asked between two operators or partitions, those in loops and branches too; true ends the run.
  [[nodiscard]] virtual bool is_due() noexcept = 0;

  // Whether the run that this thread is in should end. For a kernel that waits, which nobody else could end.
  [[nodiscard]] static bool is_current_due() noexcept { return current != nullptr && current->is_due(); }

 private:
  friend class InterruptionScope;
  static inline thread_local Interruption* current = nullptr;
};

// Makes an interruption that of the run that this thread is in.
class InterruptionScope {
 public:
  explicit InterruptionScope(Interruption& interruption)
      : previous_(std::exchange(Interruption::current, &interruption)) {}
  ~InterruptionScope() { Interruption::current = previous_; }
  InterruptionScope(const InterruptionScope&) = delete;
  InterruptionScope& operator=(const InterruptionScope&) = delete;

 private:
  Interruption* previous_;
};

}  // namespace zerolite

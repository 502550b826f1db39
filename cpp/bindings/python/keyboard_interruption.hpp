// Ctrl-C during a run.
//
// Python's handlers of signals run on the main thread, between two of its instructions: not before a run has ended. And
// they are Python code, which may not run while a model's lock is held. The one that Python comes with does nothing but
// raise KeyboardInterrupt, so that is raised here. Whoever has put another one in its place gets the signal as before,
// after the run.
#pragma once

#include <ctime>

#include "zerolite/execution/runtime_call.hpp"

namespace zerolite::bindings {

// Lives for one run, whose thread has given back the GIL.
class KeyboardInterruption : public Interruption {
 public:
  KeyboardInterruption();

  [[nodiscard]] bool is_due() noexcept override;
  // With the GIL held, after a run that has failed: throws KeyboardInterrupt when this was the reason.
  void raise_if_due() const;

 private:
  bool is_main_thread_;
  bool due_ = false;
  std::timespec next_look_{};
};

}  // namespace zerolite::bindings
